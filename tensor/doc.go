// Package tensor describes arrays of numbers as they lie in files and in host
// memory: element types, shapes, and the scalar codecs between float32 and the
// narrow floating-point formats.
//
// Terms: a dtype is the format of one element; a shape lists the extents of a
// tensor, outermost first; storage is dense, row-major and little-endian.
//
// A [Tensor] never computes. Arithmetic, and memory that may live on another
// chip, belong to package compute; files belong to package checkpoint.
package tensor
