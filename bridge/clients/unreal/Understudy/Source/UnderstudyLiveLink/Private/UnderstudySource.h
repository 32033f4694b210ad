// An Understudy stage in the Live Link window.
#pragma once

#include "ILiveLinkSource.h"
#include "UnderstudyCore.h"

class FUnderstudyReceiver;

class FUnderstudySource final : public ILiveLinkSource
{
public:
	explicit FUnderstudySource(understudy::Options InOptions);
	virtual ~FUnderstudySource() override;

	//~ ILiveLinkSource
	virtual void ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid) override;
	virtual void InitializeSettings(ULiveLinkSourceSettings* Settings) override;
	virtual void OnSettingsChanged(
		ULiveLinkSourceSettings* Settings, const FPropertyChangedEvent& PropertyChangedEvent) override;
	virtual bool IsSourceStillValid() const override;
	virtual bool RequestSourceShutdown() override;
	virtual FText GetSourceType() const override;
	virtual FText GetSourceMachineName() const override;
	virtual FText GetSourceStatus() const override;
	virtual TSubclassOf<ULiveLinkSourceSettings> GetSettingsClass() const override;

private:
	const understudy::Options Options;
	TUniquePtr<FUnderstudyReceiver> Receiver; // between ReceiveClient and the shutdown
};
