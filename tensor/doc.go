// Package tensor describes arrays of numbers as they lie in files and in host
// memory: element types, shapes, and the scalar codecs between float32 and the
// narrow formats, floating-point and quantised.
//
// Terms: a dtype is the format of the elements; a shape lists the extents of a
// tensor, outermost first; storage is dense, row-major and little-endian. A block
// format stores a fixed number of neighbours in a row together: small integer
// levels, and the scales that they are multiples of.
//
// A [Tensor] never computes. Arithmetic, and memory that may live on another
// chip, belong to package compute; files belong to package checkpoint.
package tensor
