#include "UnderstudyReceiver.h"

#include "HAL/RunnableThread.h"
#include "ILiveLinkClient.h"
#include "Misc/ScopeLock.h"
#include "Roles/LiveLinkAnimationRole.h"
#include "Roles/LiveLinkBasicRole.h"
#include "Roles/LiveLinkCameraRole.h"
#include "Roles/LiveLinkTransformRole.h"
#include "UnderstudyFrames.h"

DEFINE_LOG_CATEGORY(LogUnderstudy);

namespace
{
	// How long a shutdown may have to wait for the thread.
	constexpr double PatienceSeconds = 0.05;

	// Live Link removes a subject at its next tick: one that is only gone for a moment had better stay.
	constexpr double AbsenceSeconds = 0.5;

	// All of a camera that its static data depends on.
	std::string LensOf(const understudy::Camera& Camera)
	{
		char Text[96];
		std::snprintf(Text, sizeof Text, "%g x %g %d %d %d", Camera.sensor_width_mm, Camera.sensor_height_mm,
			Camera.focal_mm > 0, Camera.iris > 0, Camera.focus_m > 0);
		return Text;
	}
}

FUnderstudyReceiver::FUnderstudyReceiver(
	ILiveLinkClient& InClient, const FGuid& InSource, understudy::Options InOptions)
	: Client(InClient)
	, Source(InSource)
	, Options(std::move(InOptions))
{
	SetStatus("Connecting");
	Options.newest = false; // Live Link interpolates, so it wants them all; this thread keeps up
	Options.say = [](const std::string& Sentence)
	{
		UE_LOG(LogUnderstudy, Warning, TEXT("%s"), *UnderstudyCore::Text(Sentence));
	};
	Thread = FRunnableThread::Create(this, TEXT("Understudy receiver"), 0, TPri_AboveNormal);
}

FUnderstudyReceiver::~FUnderstudyReceiver()
{
	if (Thread != nullptr)
	{
		Thread->Kill(true); // calls Stop, then waits for Run
		delete Thread;
	}
}

uint32 FUnderstudyReceiver::Run()
{
	try
	{
		understudy::Subscriber Stage(Options);
		const understudy::Frame* Last = nullptr;
		double StatusDue = 0.0;
		while (!bStopping)
		{
			if (const understudy::Frame* Frame = Stage.receive(PatienceSeconds))
			{
				Last = Frame;
				Push(*Frame);
			}
			bHearing = Last != nullptr && Stage.silence_s() < Options.quiet_after_s;
			const double Now = FPlatformTime::Seconds();
			if (Now >= StatusDue)
			{
				StatusDue = Now + 0.25;
				SetStatus(understudy::status(Stage, Last));
			}
		}
	}
	catch (const std::exception& Error) // an address or a key that is none
	{
		UE_LOG(LogUnderstudy, Error, TEXT("%s"), *UnderstudyCore::Text(Error.what()));
		SetStatus(Error.what());
	}
	bHearing = false;
	bEnded = true;
	return 0;
}

void FUnderstudyReceiver::Push(const understudy::Frame& Frame)
{
	understudy::Wanted Parts;
	{
		FScopeLock Lock(&Guard);
		Parts = Wanted;
	}
	const double Now = FPlatformTime::Seconds();
	for (const understudy::Part& Part : understudy::roster(Frame, Parts))
	{
		FDeclared& Declared = Subjects[Part.name];
		Declared.SeenSeconds = Now;
		Declare(Frame, Part, Declared);
		const FLiveLinkSubjectKey Key(Source, Declared.Name);
		switch (Part.kind)
		{
		case understudy::Kind::Character:
			Client.PushSubjectFrameData_AnyThread(
				Key, UnderstudyFrames::CharacterFrame(Frame, Frame.subjects[Part.index]));
			break;
		case understudy::Kind::Face:
			Client.PushSubjectFrameData_AnyThread(
				Key, UnderstudyFrames::FaceFrame(Frame, Frame.subjects[Part.index]));
			break;
		case understudy::Kind::Camera:
			Client.PushSubjectFrameData_AnyThread(
				Key, UnderstudyFrames::CameraFrame(Frame, Frame.cameras[Part.index]));
			break;
		case understudy::Kind::Prop:
			Client.PushSubjectFrameData_AnyThread(
				Key, UnderstudyFrames::PropFrame(Frame, Frame.props[Part.index]));
			break;
		}
	}
	ForgetAbsent(Now);
}

void FUnderstudyReceiver::Declare(
	const understudy::Frame& Frame, const understudy::Part& Part, FDeclared& Declared)
{
	const bool bBody = Part.kind == understudy::Kind::Character || Part.kind == understudy::Kind::Face;
	const auto Skeleton = bBody ? Frame.subjects[Part.index].skeleton : nullptr;
	const std::string Lens =
		Part.kind == understudy::Kind::Camera ? LensOf(Frame.cameras[Part.index]) : std::string();
	// A stage that was started again has another clock, so its frames must not be interpolated with
	// those of the last one: static data that is told anew clears them.
	if (!Declared.Name.IsNone() && Declared.Kind == Part.kind && Declared.Skeleton == Skeleton
		&& Declared.Lens == Lens && Declared.Session == Frame.session)
	{
		return;
	}
	Declared.Name = UnderstudyCore::Name(Part.name);
	Declared.Session = Frame.session;
	Declared.Kind = Part.kind;
	Declared.Skeleton = Skeleton;
	Declared.Lens = Lens;
	const FLiveLinkSubjectKey Key(Source, Declared.Name);
	switch (Part.kind)
	{
	case understudy::Kind::Character:
		Client.PushSubjectStaticData_AnyThread(
			Key, ULiveLinkAnimationRole::StaticClass(), UnderstudyFrames::CharacterStatic(*Skeleton));
		break;
	case understudy::Kind::Face:
		Client.PushSubjectStaticData_AnyThread(
			Key, ULiveLinkBasicRole::StaticClass(), UnderstudyFrames::FaceStatic(*Skeleton));
		break;
	case understudy::Kind::Camera:
		Client.PushSubjectStaticData_AnyThread(
			Key, ULiveLinkCameraRole::StaticClass(), UnderstudyFrames::CameraStatic(Frame.cameras[Part.index]));
		break;
	case understudy::Kind::Prop:
		Client.PushSubjectStaticData_AnyThread(
			Key, ULiveLinkTransformRole::StaticClass(), UnderstudyFrames::PropStatic());
		break;
	}
}

void FUnderstudyReceiver::ForgetAbsent(double NowSeconds)
{
	for (auto It = Subjects.begin(); It != Subjects.end();)
	{
		if (NowSeconds - It->second.SeenSeconds > AbsenceSeconds)
		{
			Client.RemoveSubject_AnyThread(FLiveLinkSubjectKey(Source, It->second.Name));
			It = Subjects.erase(It);
		}
		else
		{
			++It;
		}
	}
}

void FUnderstudyReceiver::SetStatus(const std::string& Line)
{
	FScopeLock Lock(&Guard);
	Status = UnderstudyCore::Text(Line);
}

FString FUnderstudyReceiver::GetStatus() const
{
	FScopeLock Lock(&Guard);
	return Status;
}

void FUnderstudyReceiver::SetWanted(const understudy::Wanted& InWanted)
{
	FScopeLock Lock(&Guard);
	Wanted = InWanted;
}
