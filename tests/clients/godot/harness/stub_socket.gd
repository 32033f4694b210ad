## In UdpSocket's place: browsers have no UDP, so the tests hand over the datagrams.
extends RefCounted

var datagram := PackedByteArray()
var sender := ""
var waiting: Array[Array] = []
var refusal := ""


func open(_port: int, _address: String) -> String:
	return refusal


func close() -> void:
	waiting.clear()


func next() -> bool:
	if waiting.is_empty():
		return false
	var first: Array = waiting.pop_front()
	sender = first[0]
	datagram = first[1]
	return true
