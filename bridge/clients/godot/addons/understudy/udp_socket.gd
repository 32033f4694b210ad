## A UDP port that is listened on.
extends RefCounted

const QUEUE_BYTES := 1 << 20  # some two hundred frames, for a scene that stood still

## The last datagram and who sent it, as address:port.
var datagram := PackedByteArray()
var sender := ""

var _peer := PacketPeerUDP.new()


## Opens the port; a sentence why not where it cannot be.
func open(port: int, address: String) -> String:
	var error := _peer.bind(port, address, QUEUE_BYTES)
	if error == OK:
		return ""
	return (
		"UDP port %d at %s cannot be opened (%s); end the program that has it, or choose another."
		% [port, address, error_string(error)]
	)


func close() -> void:
	_peer.close()


## Takes the next datagram; false where none is waiting.
func next() -> bool:
	if _peer.get_available_packet_count() == 0:
		return false
	datagram = _peer.get_packet()
	sender = "%s:%d" % [_peer.get_packet_ip(), _peer.get_packet_port()]
	return true
