// The messages that main.ts prints when memory or stack runs out, for when JavaScript can no longer run.
#ifndef RUNT_OUT_OF_MEMORY_H
#define RUNT_OUT_OF_MEMORY_H

#define OUT_OF_MEMORY "out of memory: the kernel gives the runtime no more; see ulimit -v and ulimit -d"
#define OUT_OF_STACK "out of memory for the stack; see ulimit -s and ulimit -v"

#endif
