// Decodes launch plans: see decode.cc.
#pragma once
#include <napi.h>

struct plan_block;

// Decodes one list of steps into memory 0 or 1, to a plan that is read at `address`, or in place if that is 0. NULL if
// an exception is pending.
plan_block *Decode(napi_env env, napi_value steps, const char *list, uint32_t slots, int memory, uint64_t address);
