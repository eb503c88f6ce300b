package compute

import "github.com/troikaml/troika/tensor"

// Device is a chip with its memory. Its methods may be called from several
// goroutines, but a tensor is used by one at a time.
type Device interface {
	// Name names the device in logs and reports, such as "cpu avx2".
	Name() string
	// Supports reports whether Run takes op. What is not supported is reported,
	// never skipped.
	Supports(op Op) bool
	// Run enqueues op and returns its results, which the caller frees.
	Run(op Op, in []*Tensor) []*Tensor
	// New returns memory with undefined contents.
	New(s Spec) *Tensor
	// WriteFloats and WriteInts copy values from the host; the length must fit.
	WriteFloats(t *Tensor, v []float32)
	WriteInts(t *Tensor, v []int32)
	// ReadFloats waits for t and copies len(dst) values from element first on.
	ReadFloats(dst []float32, t *Tensor, first int)
	// Free drops a handle.
	Free(t *Tensor)
	// Sync waits for everything that was enqueued.
	Sync()
	// Prepare copies a matrix [out, in] into the layout that the device computes
	// fastest with. The source is not needed afterwards.
	Prepare(t tensor.Tensor) (Weight, error)
	// NewKV makes a paged key/value cache. A spec that [KVSpec.Check] refuses is an
	// error.
	NewKV(s KVSpec) (KV, error)
	// Stats tells how much memory the device holds.
	Stats() Stats
}

// Stats is a device's memory, in bytes.
type Stats struct {
	Live    int64 // in tensors and caches
	Pooled  int64 // kept for the next tensors
	Weights int64 // in prepared weights
	Peak    int64 // the most that Live and Pooled came to together
	// Garbage is what the program's collector may leave of dropped tensors beside Peak,
	// at the most: it lets its heap double before it runs, and grow by a tenth of that
	// while it does.
	Garbage int64
}

// Weight is a frozen matrix [Out, In] in a device's own layout. It is immutable
// and may be used by several goroutines.
type Weight interface {
	// Dims returns the number of rows (outputs) and columns (inputs).
	Dims() (out, in int)
	// DType returns the format the values are kept in.
	DType() tensor.DType
	// Row copies row n, widened to float32, into dst.
	Row(dst []float32, n int)
	// Free gives the memory back. Nothing may use the weight afterwards.
	Free()
}

// FromFloats copies host values to a new tensor on dev.
func FromFloats(dev Device, v []float32, shape ...int) *Tensor {
	t := dev.New(Float(shape...))
	dev.WriteFloats(t, v)
	return t
}

// FromInts copies host indices to a new tensor on dev.
func FromInts(dev Device, v []int32, shape ...int) *Tensor {
	t := dev.New(Int(shape...))
	dev.WriteInts(t, v)
	return t
}

// Floats waits for t and returns its values.
func Floats(dev Device, t *Tensor) []float32 {
	v := make([]float32, t.Len())
	dev.ReadFloats(v, t, 0)
	return v
}
