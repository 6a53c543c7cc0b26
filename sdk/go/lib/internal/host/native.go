//go:build !wasip1

package host

var platform = Nothing{}
