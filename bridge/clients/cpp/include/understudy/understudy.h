// Understudy's client: poses, cameras and face shapes from a stage, for any C++17 program.
#pragma once

#include "connection.h"
#include "roster.h"
#include "status.h"
#include "subscriber.h"
#include "timecode.h"
#include "unreal_space.h"
