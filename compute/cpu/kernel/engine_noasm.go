//go:build !amd64 || noasm

package kernel

func available() []*engine { return []*engine{&portable} }

// FMAPeak has nothing to run without assembly and reports false.
func FMAPeak(int) bool { return false }

// ReadBytes has nothing to run without assembly and reports false.
func ReadBytes([]byte) bool { return false }
