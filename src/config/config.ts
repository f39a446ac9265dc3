/**
 * The configuration for planners (OCI runtime-spec 1.3.0, config.md and config-linux.md), in OCI spelling; generated
 * from spec-schemas/config.json. Lists and maps are always present, maybe empty; so is every object whose members are
 * all optional. Integers with 64 bits in the spec are bigint, all others number. An empty optional string is absent, as
 * in runc. Other optional members stay optional because their absence has a meaning. Only parse-config.ts creates it.
 */

export type * from '../../build/gen/config.ts'
