// Understudy's engine-free client, and a few words between its types and Unreal's.
#pragma once

#include "CoreMinimal.h"

#if PLATFORM_WINDOWS
#include "Windows/AllowWindowsPlatformTypes.h" // zmq.h brings windows.h along
#endif
THIRD_PARTY_INCLUDES_START
#include <understudy/understudy.h>
THIRD_PARTY_INCLUDES_END
#if PLATFORM_WINDOWS
#include "Windows/HideWindowsPlatformTypes.h"
#endif

DECLARE_LOG_CATEGORY_EXTERN(LogUnderstudy, Log, All);

namespace UnderstudyCore
{
	inline FString Text(const std::string& From)
	{
		return FString(UTF8_TO_TCHAR(From.c_str()));
	}

	// Names come from the network, and FName ends the program at 1024 letters.
	inline FName Name(const std::string& From)
	{
		return FName(*Text(From).Left(200));
	}

	inline std::string Utf8(const FString& From)
	{
		return std::string(TCHAR_TO_UTF8(*From));
	}
}
