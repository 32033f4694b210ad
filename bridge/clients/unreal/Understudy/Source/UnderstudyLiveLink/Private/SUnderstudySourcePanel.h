// One line to write the connection into, and a button.
#pragma once

#include "Widgets/DeclarativeSyntaxSupport.h"
#include "Widgets/Input/SEditableTextBox.h"
#include "Widgets/SCompoundWidget.h"

DECLARE_DELEGATE_OneParam(FOnUnderstudyConnect, const FString& /*Connection*/);

class SUnderstudySourcePanel : public SCompoundWidget
{
public:
	SLATE_BEGIN_ARGS(SUnderstudySourcePanel) {}
		SLATE_EVENT(FOnUnderstudyConnect, OnConnect)
	SLATE_END_ARGS()

	void Construct(const FArguments& InArgs);

private:
	FReply Connect();

	TSharedPtr<SEditableTextBox> Connection;
	FOnUnderstudyConnect OnConnect;
};
