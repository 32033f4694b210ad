#include "UnderstudyFrames.h"

#include "Misc/FrameRate.h"
#include "Misc/QualifiedFrameTime.h"
#include "Misc/Timecode.h"
#include "Roles/LiveLinkAnimationTypes.h"
#include "Roles/LiveLinkCameraTypes.h"
#include "Roles/LiveLinkTransformTypes.h"

namespace
{
	const FName StateProperty(TEXT("understudy_state"));
	const FName UncertaintyProperty(TEXT("understudy_uncertainty_m"));

	FTransform Placed(const understudy::unreal::Placement& At)
	{
		return FTransform(
			FQuat(At.rotation.x, At.rotation.y, At.rotation.z, At.rotation.w),
			FVector(At.position_cm.x, At.position_cm.y, At.position_cm.z),
			FVector(1.0, 1.0, 1.0));
	}

	void Stamp(const understudy::Frame& Frame, FLiveLinkBaseFrameData& Data)
	{
		// The stage's own clock, of even ticks: Live Link estimates its offset to the engine's, and
		// interpolates between frames on it. So there is no buffer of ours in front of its.
		Data.WorldTime = FLiveLinkWorldTime(static_cast<double>(Frame.publish_ns) * 1e-9);
		if (const auto Time = understudy::read_timecode(Frame))
		{
			Data.MetaData.SceneTime = FQualifiedFrameTime(
				FTimecode(Time->hours, Time->minutes, Time->seconds, Time->frames, Time->drop_frame),
				FFrameRate(Time->rate_num, Time->rate_den));
		}
	}

	void AddCurveNames(const understudy::Skeleton& Skeleton, TArray<FName>& Names)
	{
		for (const std::string& Name : Skeleton.curve_names)
		{
			Names.Add(UnderstudyCore::Name(Name));
		}
	}

	// As many values as names, always: a subject may leave its curves out.
	void AddCurves(const understudy::Subject& Subject, TArray<float>& Values)
	{
		for (size_t i = 0; i < Subject.skeleton->curve_names.size(); ++i)
		{
			Values.Add(i < Subject.curves.size() ? Subject.curves[i] : 0.0f);
		}
	}
}

FLiveLinkStaticDataStruct UnderstudyFrames::CharacterStatic(const understudy::Skeleton& Skeleton)
{
	FLiveLinkStaticDataStruct Struct(FLiveLinkSkeletonStaticData::StaticStruct());
	FLiveLinkSkeletonStaticData& Data = *Struct.Cast<FLiveLinkSkeletonStaticData>();
	TArray<FName> Names;
	TArray<int32> Parents;
	for (size_t i = 0; i < Skeleton.names.size(); ++i)
	{
		Names.Add(UnderstudyCore::Name(Skeleton.names[i]));
		Parents.Add(Skeleton.parents[i]);
	}
	Data.SetBoneNames(Names);
	Data.SetBoneParents(Parents);
	AddCurveNames(Skeleton, Data.PropertyNames);
	Data.PropertyNames.Add(StateProperty);
	Data.PropertyNames.Add(UncertaintyProperty);
	return Struct;
}

FLiveLinkFrameDataStruct UnderstudyFrames::CharacterFrame(
	const understudy::Frame& Frame, const understudy::Subject& Subject)
{
	FLiveLinkFrameDataStruct Struct(FLiveLinkAnimationFrameData::StaticStruct());
	FLiveLinkAnimationFrameData& Data = *Struct.Cast<FLiveLinkAnimationFrameData>();
	Stamp(Frame, Data);
	Data.Transforms.Reserve(static_cast<int32>(Subject.joints.size()));
	for (const understudy::Transform& Joint : Subject.joints)
	{
		Data.Transforms.Add(Placed(understudy::unreal::place(Joint)));
	}
	AddCurves(Subject, Data.PropertyValues);
	Data.PropertyValues.Add(static_cast<float>(Subject.state));
	Data.PropertyValues.Add(Subject.uncertainty_m);
	Data.MetaData.StringMetaData.Add(TEXT("State"), UnderstudyCore::Text(understudy::name(Subject.state)));
	Data.MetaData.StringMetaData.Add(TEXT("Reason"), UnderstudyCore::Text(Subject.reason));
	return Struct;
}

FLiveLinkStaticDataStruct UnderstudyFrames::FaceStatic(const understudy::Skeleton& Skeleton)
{
	FLiveLinkStaticDataStruct Struct(FLiveLinkBaseStaticData::StaticStruct());
	AddCurveNames(Skeleton, Struct.Cast<FLiveLinkBaseStaticData>()->PropertyNames);
	return Struct;
}

FLiveLinkFrameDataStruct UnderstudyFrames::FaceFrame(
	const understudy::Frame& Frame, const understudy::Subject& Subject)
{
	FLiveLinkFrameDataStruct Struct(FLiveLinkBaseFrameData::StaticStruct());
	FLiveLinkBaseFrameData& Data = *Struct.Cast<FLiveLinkBaseFrameData>();
	Stamp(Frame, Data);
	AddCurves(Subject, Data.PropertyValues);
	return Struct;
}

FLiveLinkStaticDataStruct UnderstudyFrames::CameraStatic(const understudy::Camera& Camera)
{
	FLiveLinkStaticDataStruct Struct(FLiveLinkCameraStaticData::StaticStruct());
	FLiveLinkCameraStaticData& Data = *Struct.Cast<FLiveLinkCameraStaticData>();
	const bool bSensor = Camera.sensor_width_mm > 0 && Camera.sensor_height_mm > 0;
	Data.bIsFieldOfViewSupported = understudy::unreal::horizontal_fov_deg(Camera) > 0;
	Data.bIsAspectRatioSupported = bSensor;
	Data.bIsFocalLengthSupported = Camera.focal_mm > 0;
	Data.bIsApertureSupported = Camera.iris > 0;
	Data.bIsFocusDistanceSupported = Camera.focus_m > 0;
	if (bSensor)
	{
		Data.FilmBackWidth = Camera.sensor_width_mm;
		Data.FilmBackHeight = Camera.sensor_height_mm;
	}
	return Struct;
}

FLiveLinkFrameDataStruct UnderstudyFrames::CameraFrame(
	const understudy::Frame& Frame, const understudy::Camera& Camera)
{
	FLiveLinkFrameDataStruct Struct(FLiveLinkCameraFrameData::StaticStruct());
	FLiveLinkCameraFrameData& Data = *Struct.Cast<FLiveLinkCameraFrameData>();
	Stamp(Frame, Data);
	Data.Transform = Placed(understudy::unreal::place_camera(Camera.pose));
	Data.FieldOfView = static_cast<float>(understudy::unreal::horizontal_fov_deg(Camera));
	Data.AspectRatio =
		Camera.sensor_height_mm > 0 ? Camera.sensor_width_mm / Camera.sensor_height_mm : 0.0f;
	Data.FocalLength = Camera.focal_mm;
	Data.Aperture = Camera.iris;
	Data.FocusDistance = static_cast<float>(Camera.focus_m * understudy::unreal::CM_PER_M);
	return Struct;
}

FLiveLinkStaticDataStruct UnderstudyFrames::PropStatic()
{
	return FLiveLinkStaticDataStruct(FLiveLinkTransformStaticData::StaticStruct());
}

FLiveLinkFrameDataStruct UnderstudyFrames::PropFrame(
	const understudy::Frame& Frame, const understudy::Prop& Prop)
{
	FLiveLinkFrameDataStruct Struct(FLiveLinkTransformFrameData::StaticStruct());
	FLiveLinkTransformFrameData& Data = *Struct.Cast<FLiveLinkTransformFrameData>();
	Stamp(Frame, Data);
	Data.Transform = Placed(understudy::unreal::place(Prop.pose));
	return Struct;
}
