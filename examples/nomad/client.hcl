# Nomad's docker driver; the docker daemon needs examples/docker/daemon.json.
plugin "docker" {
  config {
    allow_runtimes = ["runc", "runt"]
  }
}
