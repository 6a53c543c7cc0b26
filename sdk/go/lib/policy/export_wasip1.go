package policy

import (
	"unsafe"

	"verwalter/internal/abi"
)

//go:wasmexport vw_review
func export(at unsafe.Pointer, size uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.Run(abi.Argument(at, size)) })
}
