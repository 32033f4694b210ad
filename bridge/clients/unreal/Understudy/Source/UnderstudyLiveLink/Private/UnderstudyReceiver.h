// The thread that owns the socket and pushes what comes into Live Link.
#pragma once

#include "HAL/CriticalSection.h"
#include "HAL/Runnable.h"
#include "Misc/Guid.h"
#include "UnderstudyCore.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>

class FRunnableThread;
class ILiveLinkClient;

class FUnderstudyReceiver final : public FRunnable
{
public:
	FUnderstudyReceiver(ILiveLinkClient& InClient, const FGuid& InSource, understudy::Options InOptions);
	virtual ~FUnderstudyReceiver() override;

	// From any thread.
	FString GetStatus() const;
	bool IsHearing() const { return bHearing; }
	bool HasEnded() const { return bEnded; }
	void SetWanted(const understudy::Wanted& InWanted);

	//~ FRunnable
	virtual uint32 Run() override;
	virtual void Stop() override { bStopping = true; }

private:
	// What Live Link was told about a subject; when it changes, it is told anew.
	struct FDeclared
	{
		FName Name;
		understudy::Kind Kind = understudy::Kind::Character;
		std::shared_ptr<const understudy::Skeleton> Skeleton; // of characters and faces
		std::string Lens;                                     // of cameras
		uint64 Session = 0;
		double SeenSeconds = 0.0;
	};

	void Push(const understudy::Frame& Frame);
	void Declare(const understudy::Frame& Frame, const understudy::Part& Part, FDeclared& Declared);
	void ForgetAbsent(double NowSeconds);
	void SetStatus(const std::string& Line);

	ILiveLinkClient& Client;
	const FGuid Source;
	understudy::Options Options;
	std::map<std::string, FDeclared> Subjects;

	mutable FCriticalSection Guard; // of the next two
	FString Status;
	understudy::Wanted Wanted;

	std::atomic<bool> bStopping{false};
	std::atomic<bool> bHearing{false};
	std::atomic<bool> bEnded{false};
	FRunnableThread* Thread = nullptr; // last: it runs from the constructor on
};
