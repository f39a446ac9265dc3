// Launch functions of the addon: decoding plans and reporting what became of them. See src/native.ts.
#pragma once
#include "arguments.h"

Napi::Value Launch(const Call &call);
Napi::Value Resume(const Call &call);
Napi::Value Abandon(const Call &call);
Napi::Value Start(const Call &call);
