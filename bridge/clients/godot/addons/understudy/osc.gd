## OSC 1.0 datagrams into messages, whatever the bytes are.
##
## A message is an array: its address, the letters of its types, then its arguments. Bundles in
## bundles are flattened. Lengths are checked before they are followed; a datagram with a fault
## gives no messages.
extends RefCounted

const DEEPEST := 8
const WIDTHS := {"i": 4, "f": 4, "r": 4, "c": 4, "m": 4, "h": 8, "d": 8, "t": 8}

## What was wrong with the last datagram, a sentence; empty where nothing was.
var fault := ""
var messages: Array[Array] = []

var _bytes := PackedByteArray()
# Every word of the datagram as if it were a float, last word first: a frame has hundreds of floats,
# and this reads them in one call.
var _floats := PackedFloat32Array()
var _reader := StreamPeerBuffer.new()


func _init() -> void:
	_reader.big_endian = true


## Reads a datagram; false where it is none.
func read(datagram: PackedByteArray) -> bool:
	fault = ""
	messages = []
	_bytes = datagram
	_reader.data_array = datagram
	if datagram.size() % 4 == 0:  # else it is none, and is told below
		var mirrored := datagram.duplicate()
		mirrored.reverse()
		_floats = mirrored.to_float32_array()
	_packet(0, datagram.size(), 0)
	if fault:
		messages = []
	return fault.is_empty()


func _packet(start: int, end: int, depth: int) -> void:
	var size := end - start
	if size < 4 or size % 4:
		fault = "An OSC packet has a length in fours, this one has %d bytes." % size
	elif _bytes[start] == 0x2F:  # a slash: an address
		_message(start, end)
	elif size < 16 or _bytes.slice(start, start + 8).get_string_from_ascii() != "#bundle":
		fault = "An OSC packet starts with a slash or with #bundle."
	elif depth == DEEPEST:
		fault = "OSC bundles are nested %d deep; nobody means that." % DEEPEST
	else:
		_bundle(start + 16, end, depth)


func _bundle(at: int, end: int, depth: int) -> void:
	while at < end and not fault:
		_reader.seek(at)
		var size := _reader.get_32()
		at += 4
		if size <= 0 or size > end - at:
			fault = "An element of an OSC bundle claims %d of %d bytes." % [size, end - at]
			return
		_packet(at, at + size, depth + 1)
		at += size


func _message(at: int, end: int) -> void:
	var stop := _text_end(at, end)
	if stop < 0:
		return
	var message: Array = [_bytes.slice(at, stop).get_string_from_ascii(), ""]
	at = _padded(stop)
	if at < end:  # senders of old leave the types out where there is nothing to type
		stop = _text_end(at, end)
		if stop < 0:
			return
		var types := _bytes.slice(at, stop).get_string_from_ascii()
		if not types.begins_with(","):
			fault = "An OSC message has no list of types."
			return
		message[1] = types.substr(1)
		_arguments(message, _padded(stop), end)
	messages.append(message)


func _arguments(message: Array, at: int, end: int) -> void:
	var last := _floats.size() - 1
	for letter: String in message[1]:
		if letter == "f" and at < end:
			message.append(_floats[last - at / 4])
			at += 4
		elif letter == "s" or letter == "S":
			at = _text(message, at, end)
		elif letter == "b":
			at = _blob(message, at, end)
		elif letter == "T" or letter == "F":
			message.append(letter == "T")
		elif letter == "N" or letter == "I":
			message.append(null)
		else:
			at = _number(message, letter, at, end)
		if fault:
			return


func _number(message: Array, letter: String, at: int, end: int) -> int:
	var width: int = WIDTHS.get(letter, 0)
	if not width:
		fault = "An OSC message has an argument of a type that OSC does not know."
		return at
	if at + width > end:
		fault = "An OSC message ends before its arguments do."
		return at
	_reader.seek(at)
	match letter:
		"i":
			message.append(_reader.get_32())
		"d":
			message.append(_reader.get_double())
		"h":
			message.append(_reader.get_64())
		_:
			message.append(null)
	return at + width


func _text(message: Array, at: int, end: int) -> int:
	var stop := _text_end(at, end)
	if stop < 0:
		return at
	message.append(_bytes.slice(at, stop).get_string_from_utf8())
	return _padded(stop)


func _blob(message: Array, at: int, end: int) -> int:
	if at + 4 > end:
		fault = "An OSC message ends before its arguments do."
		return at
	_reader.seek(at)
	var size := _reader.get_32()
	if size < 0 or size > end - at - 4:
		fault = "An OSC blob claims %d of %d bytes." % [size, end - at - 4]
		return at
	message.append(_bytes.slice(at + 4, at + 4 + size))
	return at + 4 + ((size + 3) & ~3)


## Where the string ends that starts here; -1, and a fault, where it does not.
func _text_end(at: int, end: int) -> int:
	var stop := _bytes.find(0, at) if at < end else -1
	if stop < 0 or _padded(stop) > end:
		fault = "An OSC string runs past the end of its message."
		return -1
	return stop


func _padded(stop: int) -> int:
	return (stop + 4) & ~3
