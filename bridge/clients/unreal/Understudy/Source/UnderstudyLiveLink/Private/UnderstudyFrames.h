// From what the stage sent to what Live Link takes: one function a role, static and moving part.
#pragma once

#include "LiveLinkTypes.h"
#include "UnderstudyCore.h"

namespace UnderstudyFrames
{
	// Animation role: bones, and as properties the face's curves, then state and uncertainty.
	FLiveLinkStaticDataStruct CharacterStatic(const understudy::Skeleton& Skeleton);
	FLiveLinkFrameDataStruct CharacterFrame(const understudy::Frame& Frame, const understudy::Subject& Subject);

	// Basic role: the face's curves alone, as MetaHuman's face takes them.
	FLiveLinkStaticDataStruct FaceStatic(const understudy::Skeleton& Skeleton);
	FLiveLinkFrameDataStruct FaceFrame(const understudy::Frame& Frame, const understudy::Subject& Subject);

	// Camera role.
	FLiveLinkStaticDataStruct CameraStatic(const understudy::Camera& Camera);
	FLiveLinkFrameDataStruct CameraFrame(const understudy::Frame& Frame, const understudy::Camera& Camera);

	// Transform role.
	FLiveLinkStaticDataStruct PropStatic();
	FLiveLinkFrameDataStruct PropFrame(const understudy::Frame& Frame, const understudy::Prop& Prop);
}
