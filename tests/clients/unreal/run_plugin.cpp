// The plugin's own sources in one program, with a Live Link client that prints what it is given.
//
//     run_plugin CONNECTION SECONDS [prefix PREFIX]
#include "UnderstudyFrames.cpp"
#include "UnderstudyLiveLinkModule.cpp"
#include "UnderstudyReceiver.cpp"
#include "UnderstudySource.cpp"
#include "UnderstudySourceFactory.cpp"
#include "SUnderstudySourcePanel.cpp"

#include <codecvt>
#include <cstdio>
#include <locale>

std::u16string ToUtf16(const std::string& From) {
    return std::wstring_convert<std::codecvt_utf8_utf16<char16_t>, char16_t>().from_bytes(From);
}
std::string ToUtf8(const std::u16string& From) {
    return std::wstring_convert<std::codecvt_utf8_utf16<char16_t>, char16_t>().to_bytes(From);
}

static std::mutex Printing;

void LogLine(const TCHAR*, const TCHAR* Text) {
    std::lock_guard<std::mutex> Lock(Printing);
    std::printf("{\"log\":\"%s\"}\n", TCHAR_TO_UTF8(Text));
}

static std::string Json(const FTransform& T) {
    char Text[256];
    std::snprintf(Text, sizeof Text, "[%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g]", T.Translation.X,
                  T.Translation.Y, T.Translation.Z, T.Rotation.X, T.Rotation.Y, T.Rotation.Z, T.Rotation.W);
    return Text;
}
static std::string Json(const FName& Name) { return "\"" + Name.ToUtf8() + "\""; }
static std::string Json(int32 Number) { return std::to_string(Number); }
static std::string Json(float Number) {
    char Text[32];
    std::snprintf(Text, sizeof Text, "%.9g", double{Number});
    return Text;
}
template <class T>
static std::string Json(const TArray<T>& All) {
    std::string Text = "[";
    for (const T& One : All) Text += (Text.size() > 1 ? "," : "") + Json(One);
    return Text + "]";
}

class FPrinter final : public ILiveLinkClient {
public:
    void PushSubjectStaticData_AnyThread(const FLiveLinkSubjectKey& Key, TSubclassOf<ULiveLinkRole> Role,
                                         FLiveLinkStaticDataStruct&& Data) override {
        std::string Line = "{\"static\":" + Json(Key.SubjectName.Name) + ",\"role\":\"";
        Line += Role.Class == ULiveLinkAnimationRole::StaticClass()   ? "animation"
                : Role.Class == ULiveLinkCameraRole::StaticClass()    ? "camera"
                : Role.Class == ULiveLinkTransformRole::StaticClass() ? "transform"
                : Role.Class == ULiveLinkBasicRole::StaticClass()     ? "basic" : "none";
        Line += "\",\"properties\":" + Json(Data.Cast<FLiveLinkBaseStaticData>()->PropertyNames);
        if (const auto* Bones = Data.Cast<FLiveLinkSkeletonStaticData>())
            Line += ",\"bones\":" + Json(Bones->BoneNames) + ",\"parents\":" + Json(Bones->BoneParents);
        if (const auto* Lens = Data.Cast<FLiveLinkCameraStaticData>()) {
            Line += ",\"supported\":[" + Json(int32{Lens->bIsFieldOfViewSupported}) + ",";
            Line += Json(int32{Lens->bIsAspectRatioSupported}) + "," + Json(int32{Lens->bIsFocalLengthSupported});
            Line += "," + Json(int32{Lens->bIsApertureSupported}) + ",";
            Line += Json(int32{Lens->bIsFocusDistanceSupported}) + "],\"filmback\":[";
            Line += Json(Lens->FilmBackWidth) + "," + Json(Lens->FilmBackHeight) + "]";
        }
        Print(Line);
    }

    void PushSubjectFrameData_AnyThread(const FLiveLinkSubjectKey& Key, FLiveLinkFrameDataStruct&& Data) override {
        const auto& Base = *Data.Cast<FLiveLinkBaseFrameData>();
        const FTimecode& T = Base.MetaData.SceneTime.Timecode;
        const FFrameRate& Rate = Base.MetaData.SceneTime.Rate;
        char Times[160];
        std::snprintf(Times, sizeof Times, ",\"world_time\":%.9f,\"offset\":%.9f,\"scene_time\":[%d,%d,%d,%d,%d,%d,%d]",
                      Base.WorldTime.GetSourceTime(), Base.WorldTime.GetOffset(), T.Hours, T.Minutes, T.Seconds,
                      T.Frames, T.bDropFrameFormat, Rate.Numerator, Rate.Denominator);
        std::string Line = "{\"frame\":" + Json(Key.SubjectName.Name) + Times;
        Line += ",\"values\":" + Json(Base.PropertyValues);
        for (const auto& [Name, Text] : Base.MetaData.StringMetaData.All)
            Line += "," + Json(Name) + ":\"" + TCHAR_TO_UTF8(*Text) + "\"";
        if (const auto* Bones = Data.Cast<FLiveLinkAnimationFrameData>())
            Line += ",\"transforms\":" + Json(Bones->Transforms);
        if (const auto* Moved = Data.Cast<FLiveLinkTransformFrameData>())
            Line += ",\"transform\":" + Json(Moved->Transform);
        if (const auto* Lens = Data.Cast<FLiveLinkCameraFrameData>()) {
            Line += ",\"transform\":" + Json(Lens->Transform) + ",\"lens\":[" + Json(Lens->FieldOfView) + ",";
            Line += Json(Lens->AspectRatio) + "," + Json(Lens->FocalLength) + "," + Json(Lens->Aperture) + ",";
            Line += Json(Lens->FocusDistance) + "]";
        }
        Print(Line);
    }

    void RemoveSubject_AnyThread(const FLiveLinkSubjectKey& Key) override {
        Print("{\"removed\":" + Json(Key.SubjectName.Name));
    }

private:
    static void Print(const std::string& Line) {
        std::lock_guard<std::mutex> Lock(Printing);
        std::printf("%s}\n", Line.c_str());
        std::fflush(stdout);
    }
};

int main(int, char** argv) {
    FPrinter Client;
    UUnderstudySourceFactory Factory;
    TSharedPtr<ILiveLinkSource> Source;
    // As a user does: the panel, its button, the source that comes of it.
    ULiveLinkSourceFactory::FOnLiveLinkSourceCreated Created;
    Created.Bound = [&](TSharedPtr<ILiveLinkSource> Made, FString) { Source = Made; };
    const auto Panel = std::static_pointer_cast<SUnderstudySourcePanel>(Factory.BuildCreationPanel(Created));
    const auto Box = std::static_pointer_cast<SVerticalBox>(Panel->ChildSlot.Child);
    std::static_pointer_cast<SEditableTextBox>(Box->Arguments.Slots[1].Child)->Arguments._Text =
        FText::FromString(UTF8_TO_TCHAR(argv[1]));
    std::static_pointer_cast<SButton>(Box->Arguments.Slots[2].Child)->Arguments._OnClicked();
    if (!Source) {
        const auto Field = std::static_pointer_cast<SEditableTextBox>(Box->Arguments.Slots[1].Child);
        std::printf("{\"error\":\"%s\"}\n", TCHAR_TO_UTF8(*Field->Error.ToString()));
        return 0;
    }
    UUnderstudySourceSettings Settings;
    Source->ReceiveClient(&Client, FGuid{1});
    Source->InitializeSettings(&Settings);
    const double Seconds = std::atof(argv[2]);
    std::this_thread::sleep_for(std::chrono::duration<double>(Seconds / 2));
    if (argv[3] != nullptr) {
        Settings.Prefix = FString(UTF8_TO_TCHAR(argv[3]));
        Settings.bCameras = Settings.bProps = false;
        Source->OnSettingsChanged(&Settings, FPropertyChangedEvent());
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(Seconds / 2));
    const std::string Status = TCHAR_TO_UTF8(*Source->GetSourceStatus().ToString());
    const bool bValid = Source->IsSourceStillValid();
    int Asked = 1;
    for (; !Source->RequestSourceShutdown(); ++Asked)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::printf("{\"status\":\"%s\",\"valid\":%d,\"type\":\"%s\",\"machine\":\"%s\",\"asked\":%d}\n", Status.c_str(),
                bValid, TCHAR_TO_UTF8(*Source->GetSourceType().ToString()),
                TCHAR_TO_UTF8(*Source->GetSourceMachineName().ToString()), Asked);
}
