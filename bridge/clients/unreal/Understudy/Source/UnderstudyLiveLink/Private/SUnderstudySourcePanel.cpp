#include "SUnderstudySourcePanel.h"

#include "UnderstudyCore.h"
#include "Widgets/Input/SButton.h"
#include "Widgets/SBoxPanel.h"
#include "Widgets/Text/STextBlock.h"

#define LOCTEXT_NAMESPACE "Understudy"

void SUnderstudySourcePanel::Construct(const FArguments& InArgs)
{
	OnConnect = InArgs._OnConnect;
	ChildSlot
	[
		SNew(SVerticalBox)
		+ SVerticalBox::Slot()
		.AutoHeight()
		.Padding(4.0f)
		[
			SNew(STextBlock)
			.Text(LOCTEXT("Address", "The stage's address"))
		]
		+ SVerticalBox::Slot()
		.AutoHeight()
		.Padding(4.0f)
		[
			SAssignNew(Connection, SEditableTextBox)
			.Text(LOCTEXT("DefaultAddress", "tcp://127.0.0.1:5570"))
			.ToolTipText(LOCTEXT("AddressTip",
				"tcp://HOST:PORT, and after it, if need be: control=tcp://HOST:PORT or control=none, "
				"key_file=FILE for a stage that asks for keys"))
			.MinDesiredWidth(260.0f)
		]
		+ SVerticalBox::Slot()
		.AutoHeight()
		.Padding(4.0f)
		.HAlign(HAlign_Right)
		[
			SNew(SButton)
			.Text(LOCTEXT("Connect", "Connect"))
			.OnClicked(this, &SUnderstudySourcePanel::Connect)
		]
	];
}

FReply SUnderstudySourcePanel::Connect()
{
	const FText Line = Connection->GetText();
	std::string Error;
	if (!understudy::read_connection(UnderstudyCore::Utf8(Line.ToString()), Error))
	{
		Connection->SetError(FText::FromString(UnderstudyCore::Text(Error)));
		return FReply::Handled();
	}
	OnConnect.ExecuteIfBound(Line.ToString());
	return FReply::Handled();
}

#undef LOCTEXT_NAMESPACE
