package filter

import (
	"unsafe"

	"verwalter/internal/abi"
)

//go:wasmexport vw_filters
func exportNames(unsafe.Pointer, uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.Names() })
}

//go:wasmexport vw_apply
func exportApply(at unsafe.Pointer, size uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.Run(abi.Argument(at, size)) })
}
