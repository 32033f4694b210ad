// As much of Unreal's interface as the plugin touches, so that g++ can compile it and a test can run
// it where there is no engine. Names and shapes are those of Epic's public API reference (5.4); what
// is behind them is ours and does the least that a test needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#define PLATFORM_WINDOWS 0
#define THIRD_PARTY_INCLUDES_START
#define THIRD_PARTY_INCLUDES_END
#define UCLASS(...)
#define UPROPERTY(...)
#define GENERATED_BODY() \
public: \
    static UClass* StaticClass() { static UClass Class; return &Class; }
#define IMPLEMENT_MODULE(Class, Name)

using int32 = std::int32_t;
using uint8 = std::uint8_t;
using uint32 = std::uint32_t;
using uint64 = std::uint64_t;
using TCHAR = char16_t;  // so that a forgotten TEXT() does not compile
#define TEXT(x) u##x

// ------------------------------------------------------------------------------ text

std::u16string ToUtf16(const std::string& From);
std::string ToUtf8(const std::u16string& From);
struct FUtf8ToTchar {
    explicit FUtf8ToTchar(const char* From) : Text(ToUtf16(From)) {}
    const TCHAR* Get() const { return Text.c_str(); }
    std::u16string Text;
};
struct FTcharToUtf8 {
    explicit FTcharToUtf8(const TCHAR* From) : Text(ToUtf8(From)) {}
    const char* Get() const { return Text.c_str(); }
    std::string Text;
};
#define UTF8_TO_TCHAR(x) (FUtf8ToTchar(x).Get())
#define TCHAR_TO_UTF8(x) (FTcharToUtf8(x).Get())

class FString {
public:
    FString() = default;
    FString(const TCHAR* From) : Text(From) {}
    const TCHAR* operator*() const { return Text.c_str(); }
    FString Left(int32 Count) const { return FString(Text.substr(0, Count).c_str()); }
private:
    std::u16string Text;
};

class FName {
public:
    FName() = default;
    FName(const TCHAR* From) : Text(From) {}
    bool IsNone() const { return Text.empty(); }
    std::string ToUtf8() const { return ::ToUtf8(Text); }
    bool operator<(const FName& Other) const { return Text < Other.Text; }
private:
    std::u16string Text;
};

class FText {
public:
    static FText FromString(const FString& From) { FText Made; Made.Text = From; return Made; }
    const FString& ToString() const { return Text; }
private:
    FString Text;
};
#define LOCTEXT(Key, Source) (static_cast<void>(Key LOCTEXT_NAMESPACE), FText::FromString(TEXT(Source)))

void LogLine(const TCHAR* Format, const TCHAR* Text);
#define DECLARE_LOG_CATEGORY_EXTERN(Name, Default, Most) extern int Name
#define DEFINE_LOG_CATEGORY(Name) int Name = 0
#define UE_LOG(Category, Verbosity, Format, ...) (static_cast<void>(Category), LogLine(Format, __VA_ARGS__))

// ------------------------------------------------------------------------------ containers, memory

template <class T>
class TArray {
public:
    void Add(const T& One) { All.push_back(One); }
    void Reserve(int32 Count) { All.reserve(Count); }
    auto begin() const { return All.begin(); }
    auto end() const { return All.end(); }
private:
    std::vector<T> All;
};

template <class K, class V>
class TMap {
public:
    void Add(const K& Key, const V& Value) { All[Key] = Value; }
    std::map<K, V> All;
};

template <class T> using TSharedPtr = std::shared_ptr<T>;
template <class T> using TSharedRef = std::shared_ptr<T>;
template <class T, class... A>
TSharedRef<T> MakeShared(A&&... Args) { return std::make_shared<T>(std::forward<A>(Args)...); }

template <class T>
class TUniquePtr : public std::unique_ptr<T> {
public:
    using std::unique_ptr<T>::unique_ptr;
    void Reset() { this->reset(); }
};
template <class T, class... A>
TUniquePtr<T> MakeUnique(A&&... Args) { return TUniquePtr<T>(new T(std::forward<A>(Args)...)); }

struct FGuid { int32 Number = 0; };
struct UClass {};
class UObject { public: virtual ~UObject() = default; };
template <class To>
To* Cast(UObject* From) { return dynamic_cast<To*>(From); }
template <class T>
struct TSubclassOf {
    TSubclassOf(UClass* In) : Class(In) {}
    UClass* Class;
};

// ------------------------------------------------------------------------------ maths, time, threads

struct FVector { FVector(double InX, double InY, double InZ) : X(InX), Y(InY), Z(InZ) {} double X, Y, Z; };
struct FQuat {
    FQuat(double InX, double InY, double InZ, double InW) : X(InX), Y(InY), Z(InZ), W(InW) {}
    double X, Y, Z, W;
};
struct FTransform {
    FTransform() : FTransform(FQuat(0, 0, 0, 1), FVector(0, 0, 0), FVector(1, 1, 1)) {}
    FTransform(const FQuat& R, const FVector& T, const FVector& S) : Rotation(R), Translation(T), Scale(S) {}
    FQuat Rotation;
    FVector Translation, Scale;
};

struct FTimecode {
    FTimecode() = default;
    FTimecode(int32 H, int32 M, int32 S, int32 F, bool bDrop)
        : Hours(H), Minutes(M), Seconds(S), Frames(F), bDropFrameFormat(bDrop) {}
    int32 Hours = 0, Minutes = 0, Seconds = 0, Frames = 0;
    bool bDropFrameFormat = false;
};
struct FFrameRate {
    FFrameRate() = default;
    FFrameRate(uint32 Num, uint32 Den) : Numerator(static_cast<int32>(Num)), Denominator(static_cast<int32>(Den)) {}
    int32 Numerator = 24, Denominator = 1;
};
struct FQualifiedFrameTime {
    FQualifiedFrameTime() = default;
    FQualifiedFrameTime(const FTimecode& T, const FFrameRate& R) : Timecode(T), Rate(R) {}
    FTimecode Timecode;  // the engine keeps a frame number here
    FFrameRate Rate;
};
struct FPlatformTime {
    static double Seconds() {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }
};

using FCriticalSection = std::recursive_mutex;
class FScopeLock {
public:
    explicit FScopeLock(FCriticalSection* In) : Section(*In) { Section.lock(); }
    ~FScopeLock() { Section.unlock(); }
private:
    FCriticalSection& Section;
};

class FRunnable {
public:
    virtual ~FRunnable() = default;
    virtual uint32 Run() = 0;
    virtual void Stop() {}
};
enum EThreadPriority { TPri_Normal, TPri_AboveNormal };
class FRunnableThread {
public:
    static FRunnableThread* Create(FRunnable* In, const TCHAR*, uint32, EThreadPriority) {
        auto* Made = new FRunnableThread;
        Made->Runnable = In;
        Made->Thread = std::thread([In] { In->Run(); });
        return Made;
    }
    bool Kill(bool bWait) {
        Runnable->Stop();
        if (bWait && Thread.joinable()) Thread.join();
        return true;
    }
    ~FRunnableThread() { Kill(true); }
private:
    FRunnable* Runnable = nullptr;
    std::thread Thread;
};

// ------------------------------------------------------------------------------ Live Link

class FLiveLinkWorldTime {
public:
    FLiveLinkWorldTime() = default;
    FLiveLinkWorldTime(const double InTime) : Time(InTime), Offset(FPlatformTime::Seconds() - InTime) {}
    double GetSourceTime() const { return Time; }
    double GetOffset() const { return Offset; }
private:
    double Time = 0, Offset = 0;
};

struct UScriptStruct { std::function<std::shared_ptr<void>()> Make; };
#define STRUCT_OF(Name) \
    static UScriptStruct* StaticStruct() { \
        static UScriptStruct Struct{[] { return std::static_pointer_cast<void>(std::make_shared<Name>()); }}; \
        return &Struct; \
    }

struct FLiveLinkBaseStaticData {
    STRUCT_OF(FLiveLinkBaseStaticData)
    TArray<FName> PropertyNames;
};
struct FLiveLinkSkeletonStaticData : FLiveLinkBaseStaticData {
    STRUCT_OF(FLiveLinkSkeletonStaticData)
    void SetBoneNames(const TArray<FName>& In) { BoneNames = In; }
    void SetBoneParents(const TArray<int32> In) { BoneParents = In; }
    TArray<FName> BoneNames;
    TArray<int32> BoneParents;
};
struct FLiveLinkTransformStaticData : FLiveLinkBaseStaticData { STRUCT_OF(FLiveLinkTransformStaticData) };
struct FLiveLinkCameraStaticData : FLiveLinkTransformStaticData {
    STRUCT_OF(FLiveLinkCameraStaticData)
    bool bIsFieldOfViewSupported = false, bIsAspectRatioSupported = false, bIsFocalLengthSupported = false;
    bool bIsApertureSupported = false, bIsFocusDistanceSupported = false;
    float FilmBackWidth = -1, FilmBackHeight = -1;
};

struct FLiveLinkMetaData {
    TMap<FName, FString> StringMetaData;
    FQualifiedFrameTime SceneTime;
};
struct FLiveLinkBaseFrameData {
    STRUCT_OF(FLiveLinkBaseFrameData)
    FLiveLinkWorldTime WorldTime;
    FLiveLinkMetaData MetaData;
    TArray<float> PropertyValues;
};
struct FLiveLinkAnimationFrameData : FLiveLinkBaseFrameData {
    STRUCT_OF(FLiveLinkAnimationFrameData)
    TArray<FTransform> Transforms;
};
struct FLiveLinkTransformFrameData : FLiveLinkBaseFrameData {
    STRUCT_OF(FLiveLinkTransformFrameData)
    FTransform Transform;
};
struct FLiveLinkCameraFrameData : FLiveLinkTransformFrameData {
    STRUCT_OF(FLiveLinkCameraFrameData)
    float FieldOfView = 90, AspectRatio = 1.777778f, FocalLength = 50, Aperture = 2.8f, FocusDistance = 100000;
};

template <class Base>
class TLiveLinkData {
public:
    explicit TLiveLinkData(UScriptStruct* In) : Struct(In), Data(In->Make()) {}
    TLiveLinkData(TLiveLinkData&&) = default;  // moved, never copied, as in the engine
    template <class T> T* Cast() {
        return T::StaticStruct() == Struct || std::is_same_v<T, Base> ? static_cast<T*>(Data.get()) : nullptr;
    }
private:
    UScriptStruct* Struct;
    std::shared_ptr<void> Data;
};
using FLiveLinkStaticDataStruct = TLiveLinkData<FLiveLinkBaseStaticData>;
using FLiveLinkFrameDataStruct = TLiveLinkData<FLiveLinkBaseFrameData>;

struct FLiveLinkSubjectName { FLiveLinkSubjectName(FName In) : Name(In) {} FName Name; };
struct FLiveLinkSubjectKey {
    FLiveLinkSubjectKey(const FGuid& InSource, const FLiveLinkSubjectName& In) : Source(InSource), SubjectName(In) {}
    FGuid Source;
    FLiveLinkSubjectName SubjectName;
};

class ULiveLinkRole : public UObject { GENERATED_BODY() };
class ULiveLinkBasicRole : public ULiveLinkRole { GENERATED_BODY() };
class ULiveLinkAnimationRole : public ULiveLinkBasicRole { GENERATED_BODY() };
class ULiveLinkTransformRole : public ULiveLinkBasicRole { GENERATED_BODY() };
class ULiveLinkCameraRole : public ULiveLinkTransformRole { GENERATED_BODY() };

class ILiveLinkClient {
public:
    virtual ~ILiveLinkClient() = default;
    virtual void PushSubjectStaticData_AnyThread(
        const FLiveLinkSubjectKey& Key, TSubclassOf<ULiveLinkRole> Role, FLiveLinkStaticDataStruct&& Data) = 0;
    virtual void PushSubjectFrameData_AnyThread(const FLiveLinkSubjectKey& Key, FLiveLinkFrameDataStruct&& Data) = 0;
    virtual void RemoveSubject_AnyThread(const FLiveLinkSubjectKey& Key) = 0;
};

struct FPropertyChangedEvent {};
class ULiveLinkSourceSettings : public UObject { GENERATED_BODY() };
class ILiveLinkSource {
public:
    virtual ~ILiveLinkSource() = default;
    virtual void ReceiveClient(ILiveLinkClient* Client, FGuid Source) = 0;
    virtual void InitializeSettings(ULiveLinkSourceSettings*) {}
    virtual void OnSettingsChanged(ULiveLinkSourceSettings*, const FPropertyChangedEvent&) {}
    virtual bool IsSourceStillValid() const = 0;
    virtual bool RequestSourceShutdown() = 0;
    virtual FText GetSourceType() const = 0;
    virtual FText GetSourceMachineName() const = 0;
    virtual FText GetSourceStatus() const = 0;
    virtual TSubclassOf<ULiveLinkSourceSettings> GetSettingsClass() const { return nullptr; }
};

// ------------------------------------------------------------------------------ delegates, Slate

template <class... A>
class TDelegate {
public:
    std::function<void(A...)> Bound;
    void ExecuteIfBound(A... Args) const { if (Bound) Bound(Args...); }
};
#define DECLARE_DELEGATE_OneParam(Name, A) using Name = TDelegate<A>

class SWidget { public: virtual ~SWidget() = default; };
class ULiveLinkSourceFactory : public UObject {
public:
    enum class EMenuType { SubPanel, MenuEntry, Disabled };
    using FOnLiveLinkSourceCreated = TDelegate<TSharedPtr<ILiveLinkSource>, FString>;
    virtual FText GetSourceDisplayName() const = 0;
    virtual FText GetSourceTooltip() const = 0;
    virtual EMenuType GetMenuType() const { return EMenuType::Disabled; }
    virtual TSharedPtr<SWidget> BuildCreationPanel(FOnLiveLinkSourceCreated) const { return nullptr; }
    virtual TSharedPtr<ILiveLinkSource> CreateSource(const FString&) const = 0;
};

struct FReply { static FReply Handled() { return {}; } };
enum EHorizontalAlignment { HAlign_Right };

struct FSlot {
    FSlot& AutoHeight() { return *this; }
    FSlot& Padding(float) { return *this; }
    FSlot& HAlign(EHorizontalAlignment) { return *this; }
    FSlot& operator[](const TSharedRef<SWidget>& In) { Child = In; return *this; }
    TSharedPtr<SWidget> Child;
};
struct FAnyArguments {
    FAnyArguments& Text(const FText& In) { _Text = In; return *this; }
    FAnyArguments& ToolTipText(const FText&) { return *this; }
    FAnyArguments& MinDesiredWidth(float) { return *this; }
    template <class T> FAnyArguments& OnClicked(T* Object, FReply (T::*Method)()) {
        _OnClicked = [=] { (Object->*Method)(); };
        return *this;
    }
    FAnyArguments& operator+(const FSlot& In) { Slots.push_back(In); return *this; }
    FText _Text;
    std::function<void()> _OnClicked;
    std::vector<FSlot> Slots;
};
class SAnyWidget : public SWidget {
public:
    using FArguments = FAnyArguments;
    void Construct(const FArguments& In) { Arguments = In; }
    FArguments Arguments;
};
class SButton : public SAnyWidget {};
class STextBlock : public SAnyWidget {};
class SVerticalBox : public SAnyWidget { public: static FSlot Slot() { return {}; } };
class SEditableTextBox : public SAnyWidget {
public:
    FText GetText() const { return Arguments._Text; }
    void SetError(const FText& In) { Error = In; }
    FText Error;
};
class SCompoundWidget : public SWidget { public: FSlot ChildSlot; };

template <class T> struct TMaking { TSharedPtr<T>* Into = nullptr; };
template <class T> TMaking<T> MakeInto(TSharedPtr<T>& Into) { return {&Into}; }
template <class T>
TSharedRef<T> operator<<=(TMaking<T> Making, const typename T::FArguments& Arguments) {
    auto Made = std::make_shared<T>();
    Made->Construct(Arguments);
    if (Making.Into) *Making.Into = Made;
    return Made;
}
#define SNew(Type) TMaking<Type>() <<= Type::FArguments()
#define SAssignNew(Variable, Type) MakeInto(Variable) <<= Type::FArguments()
#define SLATE_BEGIN_ARGS(Type) struct FArguments { FArguments()
#define SLATE_EVENT(Delegate, Name) \
    Delegate _##Name; \
    template <class F> FArguments& Name##_Lambda(F Function) { _##Name.Bound = Function; return *this; }
#define SLATE_END_ARGS() };
