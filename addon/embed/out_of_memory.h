// What main.ts says of an end of memory or of the stack, for where not even that can be done.
#ifndef RUNT_OUT_OF_MEMORY_H
#define RUNT_OUT_OF_MEMORY_H

#define OUT_OF_MEMORY "out of memory: the kernel gives the runtime no more; see ulimit -v and ulimit -d"
#define OUT_OF_STACK "out of memory for the stack; see ulimit -s and ulimit -v"

#endif
