#pragma once

#include <string>
#include <vector>

namespace maie::http {

/// Heads that another reader might understand differently, or that are simply broken: each is
/// refused and the connection ended.
struct BadHead {
  const char* what;
  std::string head;
  int status = 400;
};

inline std::vector<BadHead> bad_heads() {
  const std::string get = "GET / HTTP/1.1\r\n", post = "POST /bytes HTTP/1.1\r\nHost: x\r\n";
  return {
      {"length and chunks", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"},
      {"the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
      {"a list of lengths", post + "Content-Length: 5, 5\r\n\r\n"},
      {"a signed length", post + "Content-Length: +5\r\n\r\n"},
      {"a negative length", post + "Content-Length: -5\r\n\r\n"},
      {"a hexadecimal length", post + "Content-Length: 0x5\r\n\r\n"},
      {"an empty length", post + "Content-Length:\r\n\r\n"},
      {"a huge length", post + "Content-Length: 99999999999999999999\r\n\r\n"},
      {"a blank in the length", post + "Content-Length: 1 0\r\n\r\n"},
      {"two encodings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"another encoding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"chunked in disguise", post + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {"chunked with a tab", post + "Transfer-Encoding: \x0b"
                                    "chunked\r\n\r\n"},
      {"identity", post + "Transfer-Encoding: identity\r\n\r\n", 501},
      {"chunks in HTTP/1.0", "POST /bytes HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"a blank before the colon", post + "Content-Length : 5\r\n\r\n"},
      {"a tab before the colon", post + "Content-Length\t: 5\r\n\r\n"},
      {"a blank before a name", get + " Host: x\r\n\r\n"},
      {"a continued line", get + "Host: x\r\nX-A: b\r\n c\r\n\r\n"},
      {"a continued line with a tab", get + "Host: x\r\nX-A: b\r\n\tc\r\n\r\n"},
      {"no colon", get + "Host: x\r\nnothing\r\n\r\n"},
      {"no name", get + "Host: x\r\n: value\r\n\r\n"},
      {"a strange name", get + "Host: x\r\nX(a): b\r\n\r\n"},
      {"a zero byte", get + "Host: x\r\nX-A: a" + std::string(1, '\0') + "b\r\n\r\n"},
      {"a control character", get + "Host: x\r\nX-A: a\x07"
                                    "b\r\n\r\n"},
      {"bare line feeds", "GET / HTTP/1.1\nHost: x\n\n"},
      {"one bare line feed", get + "Host: x\nX-A: b\r\n\r\n"},
      {"a bare carriage return", get + "Host: x\rX-A: b\r\n\r\n"},
      {"no host", get + "\r\n"},
      {"two hosts", get + "Host: x\r\nHost: x\r\n\r\n"},
      {"a list of hosts", get + "Host: a, b\r\n\r\n"},
      {"a host with a path", get + "Host: a/b\r\n\r\n"},
      {"no version", "GET /\r\nHost: x\r\n\r\n"},
      {"a version in small letters", "GET / http/1.1\r\nHost: x\r\n\r\n"},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a broken method", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a relative target", "GET x HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a path upwards", "GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a hidden path upwards", "GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a zero byte in the path", "GET /a%00 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
      {"HTTP/0.9", "GET /\r\n\r\n"},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00", 7)},
      {"a blank first", " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a long target", "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
      {"a long field", get + "Host: x\r\nX-A: " + std::string(40'000, 'x') + "\r\n\r\n", 431},
      {"an endless line", "GET /" + std::string(40'000, 'x'), 431},
      {"many fields",
       get + "Host: x\r\n" +
           [] {
             std::string fields;
             for (int i = 0; i < 101; ++i) fields += "X-A: b\r\n";
             return fields;
           }() +
           "\r\n",
       431},
  };
}

/// Bodies in chunks that are no such thing, behind a good head.
inline std::vector<std::string> bad_chunks() {
  return {"x\r\n",
          "-1\r\n",
          " 5\r\nabcde\r\n0\r\n\r\n",
          "5 x\r\nabcde\r\n",
          "0x5\r\nabcde\r\n\r\n",
          "5\nabcde\r\n",
          "5\r\nabcdefg\r\n0\r\n\r\n",
          "5\r\nabcde0\r\n\r\n",
          "\r\n5\r\n",
          "FFFFFFFFFFFFFFFFF\r\n",
          "5;" + std::string(40'000, 'x')};
}

}  // namespace maie::http
