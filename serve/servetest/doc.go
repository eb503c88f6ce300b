// Package servetest helps to test servers of package serve: an [Engine] that
// answers by simple rules instead of a model, and a [Ledger] for usage events.
//
// Its own tests hold serve to what clients see over a real connection: the
// official OpenAI SDK for Go, clients that go away, do not read or do not
// send, and servers that shut down. They stand here so that the fuzz targets
// of serve need not be built with the SDK.
package servetest
