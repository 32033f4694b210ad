## Which moment of a stream is shown: the newest frame, or a moment between two.
##
## A renderer that is faster than the stream would show every pose twice or thrice. It is given what
## lay between two frames, behind the newest by a frame and by what datagrams are late, measured; a
## slower one gets the newest as it is.
extends RefCounted

const Frame := preload("frame.gd")

const MOST_FRAMES := 8
const DRIFT := 0.001  # how fast the quickest and the latest are forgotten, seconds a second
const LONGEST_S := 0.5  # a longer pause is no rate
const SMOOTHING := 0.1

## Time between two frames of the stream, measured.
var interval_s := 0.0

var _frames: Array[Frame] = []
var _lead_s := 0.0  # the sender's clock less ours, as seen by the quickest datagrams
var _late_s := 0.0  # how much later than these the others come
var _heard_s := 0.0
var _step_s := 0.0  # time between two pictures, measured


func clear() -> void:
	_frames.clear()
	interval_s = 0.0


func push(frame: Frame, now_s: float) -> void:
	var lead_s := frame.stamp_s - now_s
	if not _frames.is_empty():
		var step_s := frame.stamp_s - _frames[-1].stamp_s
		if step_s < 0.0 or step_s > LONGEST_S:
			clear()  # the sender was started again, or paused
		elif step_s == 0.0:
			_frames.pop_back()  # the same moment, told better
		else:
			interval_s = step_s if interval_s == 0.0 else lerpf(interval_s, step_s, SMOOTHING)
	if _frames.is_empty():
		_lead_s = lead_s
		_late_s = 0.0
		_heard_s = now_s
	var forgotten_s := DRIFT * (now_s - _heard_s)
	_lead_s = maxf(lead_s, _lead_s - forgotten_s)
	_late_s = clampf(_lead_s - lead_s, _late_s - forgotten_s, interval_s)
	_heard_s = now_s
	_frames.append(frame)
	if _frames.size() > MOST_FRAMES:
		_frames.pop_front()


## The frame to show now, null where there is none; `delta_s` is since the picture before.
func at(now_s: float, delta_s: float, blending: bool) -> Frame:
	_step_s = delta_s if _step_s == 0.0 else lerpf(_step_s, delta_s, SMOOTHING)
	if _frames.is_empty():
		return null
	# A tenth of slack: renderers and streams of the same rate are never quite of the same rate.
	if not blending or _step_s > 0.9 * interval_s:
		return _frames[-1]
	var shown_s := now_s + _lead_s - _late_s - interval_s
	while _frames.size() > 1 and _frames[1].stamp_s <= shown_s:
		_frames.pop_front()
	if _frames.size() == 1 or shown_s <= _frames[0].stamp_s:
		return _frames[0]
	var whole_s := _frames[1].stamp_s - _frames[0].stamp_s
	return Frame.between(_frames[0], _frames[1], (shown_s - _frames[0].stamp_s) / whole_s)
