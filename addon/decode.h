// Launch functions of the addon: decoding plans and reporting what became of them. See src/native.ts.
#pragma once
#include <napi.h>

Napi::Value Launch(const Napi::CallbackInfo &info);
Napi::Value Resume(const Napi::CallbackInfo &info);
Napi::Value Abandon(const Napi::CallbackInfo &info);
Napi::Value Start(const Napi::CallbackInfo &info);
