module github.com/troikaml/troika

go 1.26
