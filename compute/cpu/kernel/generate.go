package kernel

//go:generate go run -C gen . -set drop -pkg kernel -out ../drop_amd64.s -stubs ../drop_amd64.go
//go:generate go run -C gen . -set levels -pkg kernel -out ../levels_amd64.s -stubs ../levels_amd64.go
//go:generate go run -C gen . -set matmul -pkg kernel -out ../matmul_amd64.s -stubs ../matmul_amd64.go
//go:generate go run -C gen . -set pack -pkg kernel -out ../pack_amd64.s -stubs ../pack_amd64.go
//go:generate go run -C gen . -set probe -pkg kernel -out ../probe_amd64.s -stubs ../probe_amd64.go
//go:generate go run -C gen . -set quant -pkg kernel -out ../quant_amd64.s -stubs ../quant_amd64.go
//go:generate go run -C gen . -set vector -pkg kernel -out ../vector_amd64.s -stubs ../vector_amd64.go
//go:generate go run -C gen . -set vnni -pkg kernel -out ../vnni_amd64.s -stubs ../vnni_amd64.go
//go:generate go run -C gen . -set wide -pkg kernel -out ../wide_amd64.s -stubs ../wide_amd64.go
