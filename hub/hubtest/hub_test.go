package hubtest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/troikaml/troika/hub/hubtest"
)

func Example() {
	h := hubtest.New()
	if _, err := h.Commit("acme/tiny", "main", fstest.MapFS{"config.json": {Data: []byte("{}")}}); err != nil {
		fmt.Println(err)
		return
	}
	resp, err := h.Client().Head(hubtest.Endpoint + "/acme/tiny/resolve/main/config.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, resp.Header.Get("X-Linked-Etag"))
	// Output: 200 "9e26dfeeb6e641a33dae4961196235bdb965b21b"
}

// TestBlobID compares with git's own ids.
func TestBlobID(t *testing.T) {
	for content, want := range map[string]string{
		"":        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
		"hello\n": "ce013625030ba8dba906f756967f9e9ca394464a",
	} {
		if got := hubtest.BlobID([]byte(content)); got != want {
			t.Errorf("%q: %s, want %s", content, got, want)
		}
	}
}

func TestStorageRefusesForeignCredentials(t *testing.T) {
	h := hubtest.New()
	if _, err := h.Commit("acme/tiny", "main", fstest.MapFS{"a.safetensors": {Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	c := h.Client()
	const url = hubtest.StorageBase + "/storage/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881?X-Signature=secret"
	for auth, want := range map[string]int{"": http.StatusOK, "Bearer x": http.StatusBadRequest} {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("%q: status %d, want %d", auth, resp.StatusCode, want)
		}
		_ = resp.Body.Close()
	}
}
