package wire

import "net/http"

// CrossOrigin lets pages of any origin use a handler, as the service does: what they can do without a signature or a token is nothing.
func CrossOrigin(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "" {
			h.ServeHTTP(w, r)
			return
		}
		head := w.Header()
		head.Set("Access-Control-Allow-Origin", "*")
		head.Set("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date")
		if r.Method != http.MethodOptions {
			h.ServeHTTP(w, r)
			return
		}
		head.Set("Access-Control-Allow-Methods", "GET,HEAD,OPTIONS,POST")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			head.Set("Access-Control-Allow-Headers", asked)
		}
		head.Set("Access-Control-Max-Age", "172800") // seconds
		w.WriteHeader(http.StatusOK)
	})
}
