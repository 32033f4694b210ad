#include "UnderstudySourceFactory.h"

#include "SUnderstudySourcePanel.h"
#include "UnderstudySource.h"

#define LOCTEXT_NAMESPACE "Understudy"

FText UUnderstudySourceFactory::GetSourceDisplayName() const
{
	return LOCTEXT("SourceDisplayName", "Understudy");
}

FText UUnderstudySourceFactory::GetSourceTooltip() const
{
	return LOCTEXT("SourceTooltip", "Characters, faces, cameras and props from an Understudy stage");
}

TSharedPtr<SWidget> UUnderstudySourceFactory::BuildCreationPanel(
	FOnLiveLinkSourceCreated OnLiveLinkSourceCreated) const
{
	return SNew(SUnderstudySourcePanel)
		.OnConnect_Lambda([this, OnLiveLinkSourceCreated](const FString& Connection)
		{
			if (TSharedPtr<ILiveLinkSource> Source = CreateSource(Connection))
			{
				OnLiveLinkSourceCreated.ExecuteIfBound(Source, Connection);
			}
		});
}

TSharedPtr<ILiveLinkSource> UUnderstudySourceFactory::CreateSource(const FString& ConnectionString) const
{
	std::string Error;
	const auto Options = understudy::read_connection(UnderstudyCore::Utf8(ConnectionString), Error);
	if (!Options)
	{
		UE_LOG(LogUnderstudy, Error, TEXT("%s"), *UnderstudyCore::Text(Error));
		return nullptr;
	}
	return MakeShared<FUnderstudySource>(*Options);
}

#undef LOCTEXT_NAMESPACE
