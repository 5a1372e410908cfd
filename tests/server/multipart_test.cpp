#include "server/http/multipart.h"

#include <gtest/gtest.h>

#include <random>

#include "server/http/field_value.h"
#include "tests/server/form_text.h"

namespace maie::http {
namespace {

std::string part(const std::string& headers, const std::string& body) {
  return "--B\r\n" + headers + "\r\n\r\n" + body + "\r\n";
}

std::string named(const std::string& parameters, const std::string& body = "x") {
  return part("Content-Disposition: form-data; " + parameters, body) + "--B--\r\n";
}

/// The same whole, byte by byte and cut once at every place.
std::string parsed_any_way(const std::string& body) {
  const std::string whole = parsed(body, "B", body.size() + 1);
  for (size_t piece = 1; piece < 9; ++piece) {
    EXPECT_EQ(parsed(body, "B", piece), whole) << "in pieces of " << piece;
  }
  for (size_t cut = 1; cut < body.size(); ++cut) {
    PartRecorder parts;
    MultipartParser parser("B", 1000, parts);
    std::string out;
    auto refusal = parser.feed(std::string_view(body).substr(0, cut));
    if (!refusal) refusal = parser.feed(std::string_view(body).substr(cut));
    if (!refusal) refusal = parser.finish();
    EXPECT_EQ(refusal ? "!" + refusal->code : parts.text, whole) << "cut at " << cut;
  }
  return whole;
}

TEST(Multipart, ReadsPartsHoweverTheyAreCut) {
  EXPECT_EQ(parsed_any_way(part("Content-Disposition: form-data; name=\"a\"", "1") +
                           part("content-disposition:form-data;name=f;filename=\"x.wav\"\r\n"
                                "Content-Type: audio/wav\r\nX-Other: y",
                                "\r\n--\r\n--C\r\n\r\n-B") +
                           "--B--\r\nepilogue\r\n--B\r\n"),
            "[a|-||1][f|x.wav|audio/wav|\r\n--\r\n--C\r\n\r\n-B]");
}

TEST(Multipart, TakesOddButPermittedForms) {
  EXPECT_EQ(parsed_any_way("--B--"), "");
  EXPECT_EQ(parsed_any_way("--B--\r\n"), "");
  EXPECT_EQ(parsed_any_way("preamble\r\n--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\n"
                           "\r\n--B--"),
            "[a|-||]");
  // A part without the line end that begins its body (RFC 2046, 5.1.1).
  EXPECT_EQ(parsed_any_way("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n--B--"),
            "[a|-||]");
  EXPECT_EQ(parsed_any_way(named("name=\"a\"", "\r\n-\r\n--\r\n\r\r\n--A")),
            "[a|-||\r\n-\r\n--\r\n\r\r\n--A]");
}

TEST(Multipart, RefusesBrokenForms) {
  const std::string field = "Content-Disposition: form-data; name=a\r\n\r\n";
  for (const std::string& body : std::vector<std::string>{
           "",
           "x",
           "--",
           "--B",
           "--B\r\n",
           "--B-",
           "--C--\r\n",
           "\r\n--B\r\n\r\n",
           "--Bx\r\n",
           "--B\r\n" + field,
           "--B\r\n" + field + "x",
           "--B\r\n" + field + "x\r\n--B",
           "--B\r\n" + field + "x\r\n--B\r\n",
           "--B\n" + field + "x\r\n--B--",
           "--B\r\nNo-Colon\r\n\r\nx\r\n--B--",
           "--B\r\nContent-Type: x\r\n\r\nx\r\n--B--",
           "--B\r\n folded: x\r\n" + field + "x\r\n--B--",
           "--B\r\nA: \x01\r\n" + field + "x\r\n--B--",
           "--B\r\nA : b\r\n" + field + "x\r\n--B--",
           "--B\r\nContent-Disposition: form-data; name=a\r\n" + field + "x\r\n--B--",
           "--B\r\nContent-Transfer-Encoding: base64\r\n" + field + "eA==\r\n--B--",
           "--B" + std::string(100, ' ') + "\r\n" + field + "x\r\n--B--"}) {
    EXPECT_EQ(parsed_any_way(body), "!bad_form") << body;
  }
  for (const char* bad :
       {"", "name", "name=", "name=\"a", "name=a;name=b", "filename=x", "name=a b", "name=\"a\"x",
        "=a", "name=\"\x01\"", "name=\"\xff\"", "name=a; filename=\"\xC0\xAF\"",
        "name=a; filename*=UTF-8''%ff", "name=a; filename*=UTF-8''%0a",
        "name=a; filename*=koi8-r''x", "name=a; filename*=x", "name=a; filename*=UTF-8''%4"}) {
    EXPECT_EQ(parsed_any_way(named(bad)), "!bad_form") << bad;
  }
  EXPECT_EQ(parsed_any_way(part("Content-Disposition: attachment; name=a", "x") + "--B--"),
            "!bad_form");
}

TEST(Multipart, ReadsNamesAsClientsSendThem) {
  const auto name_of = [](const std::string& parameters) {
    return parsed_any_way(named(parameters));
  };
  EXPECT_EQ(name_of("name=\"a;b=c\\\"d\\\\\""), "[a;b=c\"d\\|-||x]");
  EXPECT_EQ(name_of("name=f; filename=\"C:\\a\\b.wav\""), "[f|C:\\a\\b.wav||x]");
  EXPECT_EQ(name_of("name=f; filename=\"../../etc/passwd\""), "[f|../../etc/passwd||x]");
  EXPECT_EQ(name_of("name=f; filename=\"\""), "[f|||x]");
  EXPECT_EQ(name_of("name=f; filename=\"h\xE1\xBB\x8Dp.m4a\""), "[f|h\xE1\xBB\x8Dp.m4a||x]");
  EXPECT_EQ(name_of("name=f; filename=\"?.m4a\"; filename*=UTF-8'vi'h%E1%BB%8Dp.m4a"),
            "[f|h\xE1\xBB\x8Dp.m4a||x]");
  EXPECT_EQ(name_of("name=f; filename*=iso-8859-1''%e9.wav"), "[f|\xC3\xA9.wav||x]");
  EXPECT_EQ(name_of("NAME=\"a\" ; FileName=b ;"), "[a|b||x]");
}

TEST(Multipart, IsBounded) {
  std::string body;
  for (int i = 0; i < 4; ++i) body += part("Content-Disposition: form-data; name=a", "");
  EXPECT_EQ(parsed(body + "--B--", "B", 7, 4), "[a|-||][a|-||][a|-||][a|-||]");
  EXPECT_EQ(parsed(body + "--B--", "B", 7, 3), "!too_many_parts");
  const std::string long_head = "Content-Disposition: form-data; name=a\r\nX: ";
  EXPECT_EQ(parsed(part(long_head + std::string(8000, 'y'), "x") + "--B--", "B", 100), "[a|-||x]");
  for (const size_t piece : {size_t{1}, size_t{100}, size_t{100'000}}) {
    EXPECT_EQ(parsed(part(long_head + std::string(9000, 'y'), "x") + "--B--", "B", piece),
              "!bad_form");
  }
}

TEST(Multipart, BoundsAHeadAlikeHoweverItIsCut) {
  const std::string field = "Content-Disposition: form-data; name=a\r\nX: ";
  const size_t most = MultipartParser::kMostPartHeadBytes - 2 - field.size();
  for (size_t length = most - 6; length < most + 6; ++length) {
    const std::string body = part(field + std::string(length, 'y'), "x") + "--B--";
    const std::string wanted = length <= most ? "[a|-||x]" : "!bad_form";
    EXPECT_EQ(parsed(body, "B", body.size()), wanted) << length - most;
    EXPECT_EQ(parsed(body, "B", 1), wanted) << length - most;
  }
}

TEST(Multipart, TakesNothingAfterARefusal) {
  PartRecorder parts;
  MultipartParser parser("B", 10, parts);
  EXPECT_TRUE(parser.feed("--Bx\r\n"));
  EXPECT_TRUE(parser.feed(named("name=a")));
  EXPECT_TRUE(parser.finish());
  EXPECT_EQ(parts.text, "");
}

TEST(Multipart, GivesRandomFormsBack) {
  std::mt19937 random(7);
  const auto below = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 200; ++round) {
    const std::string boundary = below(2) == 0 ? "B" : "----WebKitFormBoundary7MA4YWxk";
    std::string body, wanted;
    for (size_t parts = below(5); parts > 0; --parts) {
      std::string data;
      while (below(40) != 0) data += "\r\n-B-\x01x"[below(8)];
      if (data.find("\r\n--" + boundary) != std::string::npos || data.starts_with("--B")) continue;
      const std::string name(below(4), 'n');
      body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name +
              "\"\r\n\r\n" + data + "\r\n";
      wanted += "[" + name + "|-||" + data + "]";
    }
    body += "--" + boundary + "--\r\n";
    for (const size_t piece : {size_t{1}, size_t{1} + below(30), body.size()}) {
      EXPECT_EQ(parsed(body, boundary, piece), wanted);
    }
  }
}

TEST(Multipart, KnowsBoundaries) {
  const auto boundary = [](std::string_view type) {
    const auto found = boundary_of(type);
    return found ? *found : "refused";
  };
  EXPECT_EQ(boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(boundary("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b:c\""), "a b:c");
  EXPECT_EQ(boundary("multipart/form-data; boundary=" + std::string(70, 'x')),
            std::string(70, 'x'));
  for (const std::string& bad : std::vector<std::string>{
           "", "multipart/form-data", "multipart/form-data; boundary=",
           "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"a \"",
           "multipart/form-data; boundary=a; boundary=b", "multipart/mixed; boundary=a",
           "application/x-www-form-urlencoded", "multipart/form-data; boundary=\"a\\\"b\"",
           "multipart/form-data; boundary=" + std::string(71, 'x'),
           "multipart/form-data; boundary=\"\xC3\xA9\""}) {
    EXPECT_EQ(boundary(bad), "refused") << bad;
  }
}

}  // namespace
}  // namespace maie::http
