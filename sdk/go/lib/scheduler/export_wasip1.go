package scheduler

import (
	"unsafe"

	"verwalter/internal/abi"
)

//go:wasmexport vw_schedule
func export(at unsafe.Pointer, size uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.Run(abi.Argument(at, size)) })
}
