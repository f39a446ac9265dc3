// Launch functions of the addon: decode plans and report the outcome of a launch. See src/native.ts.
#pragma once
#include "arguments.h"

Napi::Value Launch(const Call &call);
Napi::Value Resume(const Call &call);
Napi::Value Abandon(const Call &call);
Napi::Value Start(const Call &call);
