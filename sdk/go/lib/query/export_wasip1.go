package query

import (
	"unsafe"

	"verwalter/internal/abi"
)

//go:wasmexport vw_query
func exportQuery(at unsafe.Pointer, size uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.Run(abi.Argument(at, size)) })
}

//go:wasmexport vw_render_roles
func exportRenderRoles(at unsafe.Pointer, size uint32) int64 {
	return abi.Pack(func() ([]byte, error) { return registered.RunRenderRoles(abi.Argument(at, size)) })
}
