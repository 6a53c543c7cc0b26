package abi

import "unsafe"

// held keeps what the host has an address of from being collected. Go does not move what is on its heap.
var held = map[unsafe.Pointer][]byte{}

//go:wasmexport vw_abi_1
func version() {}

//go:wasmexport vw_alloc
func alloc(size uint32) unsafe.Pointer {
	// One byte at least: an address is never 0, and two allocations never share one.
	return hold(make([]byte, max(size, 1)))
}

//go:wasmexport vw_free
func free(at unsafe.Pointer, _ uint32) {
	delete(held, at)
}

func hold(bytes []byte) unsafe.Pointer {
	at := unsafe.Pointer(unsafe.SliceData(bytes))
	held[at] = bytes
	return at
}

// Argument is the text that the host wrote at an address that vw_alloc gave it. It is valid during the call.
func Argument(at unsafe.Pointer, size uint32) []byte {
	return held[at][:size]
}

// Pack calls answer, keeps its answer for the host and returns where: the low 32 bits are the address, the high ones the length.
func Pack(answer func() ([]byte, error)) int64 {
	bytes := Answer(answer)
	return int64(len(bytes))<<32 | int64(uintptr(hold(bytes)))
}
