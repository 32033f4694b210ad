#include "UnderstudySource.h"

#include "UnderstudyReceiver.h"
#include "UnderstudySourceSettings.h"

#define LOCTEXT_NAMESPACE "Understudy"

FUnderstudySource::FUnderstudySource(understudy::Options InOptions) : Options(std::move(InOptions)) {}

FUnderstudySource::~FUnderstudySource() = default;

void FUnderstudySource::ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid)
{
	Receiver = MakeUnique<FUnderstudyReceiver>(*InClient, InSourceGuid, Options);
}

void FUnderstudySource::InitializeSettings(ULiveLinkSourceSettings* Settings)
{
	const UUnderstudySourceSettings* Ours = Cast<UUnderstudySourceSettings>(Settings);
	if (Ours == nullptr || !Receiver)
	{
		return;
	}
	understudy::Wanted Wanted;
	Wanted.faces = Ours->bFaces;
	Wanted.cameras = Ours->bCameras;
	Wanted.props = Ours->bProps;
	Wanted.prefix = UnderstudyCore::Utf8(Ours->Prefix);
	Receiver->SetWanted(Wanted);
}

void FUnderstudySource::OnSettingsChanged(ULiveLinkSourceSettings* Settings, const FPropertyChangedEvent&)
{
	InitializeSettings(Settings);
}

bool FUnderstudySource::IsSourceStillValid() const
{
	return Receiver && Receiver->IsHearing();
}

bool FUnderstudySource::RequestSourceShutdown()
{
	// Live Link asks again until it hears yes. Waiting for the thread in here could wait for ever: it
	// may be removing a subject, and that takes the lock under which this is called.
	if (Receiver)
	{
		Receiver->Stop();
		if (!Receiver->HasEnded())
		{
			return false;
		}
		Receiver.Reset();
	}
	return true;
}

FText FUnderstudySource::GetSourceType() const
{
	return LOCTEXT("SourceType", "Understudy");
}

FText FUnderstudySource::GetSourceMachineName() const
{
	return FText::FromString(UnderstudyCore::Text(Options.address));
}

FText FUnderstudySource::GetSourceStatus() const
{
	return Receiver ? FText::FromString(Receiver->GetStatus()) : LOCTEXT("Closed", "Closed");
}

TSubclassOf<ULiveLinkSourceSettings> FUnderstudySource::GetSettingsClass() const
{
	return UUnderstudySourceSettings::StaticClass();
}

#undef LOCTEXT_NAMESPACE
