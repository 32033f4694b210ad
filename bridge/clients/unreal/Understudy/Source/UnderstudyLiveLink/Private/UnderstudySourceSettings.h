#pragma once

#include "LiveLinkSourceSettings.h"

#include "UnderstudySourceSettings.generated.h"

/** What of the stage's frames becomes Live Link subjects. */
UCLASS()
class UUnderstudySourceSettings : public ULiveLinkSourceSettings
{
	GENERATED_BODY()

public:
	/** Also offers each face's curves as a subject of the Basic role, "NAME face": for MetaHumans. */
	UPROPERTY(EditAnywhere, Category = "Understudy")
	bool bFaces = true;

	/** Offers the stage's cameras, with their lenses. */
	UPROPERTY(EditAnywhere, Category = "Understudy")
	bool bCameras = true;

	/** Offers the stage's props. */
	UPROPERTY(EditAnywhere, Category = "Understudy")
	bool bProps = true;

	/** Stands before every subject's name, so that two stages can share one project. */
	UPROPERTY(EditAnywhere, Category = "Understudy")
	FString Prefix;
};
