package plugin

import (
	"unsafe"

	"verwalter/internal/abi"
)

//go:wasmexport vw_describe
func describe(unsafe.Pointer, uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.Describe() })
}

//go:wasmexport vw_check_config
func checkConfig(at unsafe.Pointer, size uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.Check(abi.Argument(at, size)) })
}
