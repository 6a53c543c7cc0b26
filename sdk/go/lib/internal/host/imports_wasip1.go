package host

import (
	"encoding/binary"
	"unsafe"
)

//go:wasmimport verwalter column
func column(name unsafe.Pointer, nameLen uint32, out unsafe.Pointer, outCap uint32) int32

//go:wasmimport verwalter attribute
func attribute(name unsafe.Pointer, nameLen uint32, out unsafe.Pointer, outCap uint32) int32

//go:wasmimport verwalter log
func log(level int32, text unsafe.Pointer, textLen uint32)

var platform = imports{}

// imports asks the real host. A call asks for the size first, then with room for all: cheaper than room for the largest cluster.
type imports struct{}

func (imports) Column(name string) ([]float64, bool) {
	var values []float64
	for {
		there := int(column(address(unsafe.StringData(name)), uint32(len(name)), address(unsafe.SliceData(values)), uint32(len(values))))
		if there < 0 {
			return nil, false
		}
		if there <= len(values) {
			return values[:there], true
		}
		values = make([]float64, there) // little-endian as WebAssembly is: no conversion
	}
}

func (imports) Attribute(name string) ([]string, bool) {
	var packed []byte
	for {
		needed := int(attribute(address(unsafe.StringData(name)), uint32(len(name)), address(unsafe.SliceData(packed)), uint32(len(packed))))
		if needed < 0 {
			return nil, false
		}
		if needed <= len(packed) {
			return unpack(packed[:needed]), true
		}
		packed = make([]byte, needed)
	}
}

func (imports) Log(level int, line string) {
	log(int32(level), address(unsafe.StringData(line)), uint32(len(line)))
}

// unpack reads texts that lie back to back, each after its length. The host wrote them: lengths are right.
func unpack(packed []byte) []string {
	var texts []string
	for len(packed) >= 4 {
		end := 4 + binary.LittleEndian.Uint32(packed)
		texts = append(texts, string(packed[4:end]))
		packed = packed[end:]
	}
	return texts
}

func address[T any](data *T) unsafe.Pointer { return unsafe.Pointer(data) }
