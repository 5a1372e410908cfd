#include "tests/store/fake_hub.h"

#include <algorithm>
#include <random>

#include "base/digest.h"
#include "base/json.h"

namespace maie::store {
namespace {

using support::LoopbackReply;
using support::LoopbackRequest;

std::string git_hash(const std::string& content) {
  Digest digest(Digest::Kind::kSha1);
  digest.add("blob " + std::to_string(content.size()));
  digest.add(std::string_view("\0", 1));
  digest.add(content);
  return digest.hex();
}

std::string sha256(const std::string& content) {
  Digest digest(Digest::Kind::kSha256);
  digest.add(content);
  return digest.hex();
}

}  // namespace

FakeHub::Handler& FakeHub::Handler::operator=(Interrupt interrupt) {
  const std::unique_lock lock(mutex_);
  interrupt_ = std::move(interrupt);
  return *this;
}

bool FakeHub::Handler::operator()(const LoopbackRequest& request, LoopbackReply& reply) const {
  const std::shared_lock lock(mutex_);
  return interrupt_ && interrupt_(request, reply);
}

FakeHub::FakeHub()
    : storage_([this](const LoopbackRequest& request, LoopbackReply& reply) {
        if (on_storage(request, reply)) return;
        serve(content(request.target.substr(1, request.target.find('?') - 1)), request, reply);
      }),
      hub_([this](const LoopbackRequest& request, LoopbackReply& reply) {
        if (on_hub(request, reply)) return;
        answer_hub(request, reply);
      }) {}

const FakeHub::File& FakeHub::file(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return files_.at(path);
}

void FakeHub::add(const std::string& path, std::string content, bool large) {
  const std::lock_guard lock(mutex_);
  files_[path] = {std::move(content), large};
}

std::string FakeHub::tag(const std::string& path) const {
  const File& wanted = file(path);
  return wanted.large ? sha256(wanted.content) : git_hash(wanted.content);
}

void FakeHub::answer_hub(const LoopbackRequest& request, LoopbackReply& reply) {
  const std::string api = "/api/models/org/name";
  const std::string resolve = "/org/name/resolve/" + commit() + "/";
  const std::string& target = request.target;
  if (target == api + "/revision/main" || target == api + "/revision/" + commit()) {
    reply.json(Json{{"sha", commit()}}.dump());
  } else if (target.starts_with(api + "/tree/" + commit())) {
    answer_tree(request, reply);
  } else if (target.starts_with(resolve)) {
    const std::string path = target.substr(resolve.size());
    const File& wanted = file(path);
    if (wanted.large) {
      reply.answer(302, "", {{"Location", storage_.url("/" + path + "?signature=secret")}});
    } else {
      serve(wanted.content, request, reply);
    }
  } else {
    reply.answer(404, "", {{"X-Error-Code", "RepoNotFound"}});
  }
}

void FakeHub::answer_tree(const LoopbackRequest& request, LoopbackReply& reply) {
  int skip = 0;
  if (const size_t at = request.target.find("cursor="); at != std::string::npos)
    skip = std::stoi(request.target.substr(at + 7));
  Json list = Json::array();
  int index = 0;
  std::map<std::string, File> files;
  {
    const std::lock_guard lock(mutex_);
    files = files_;
  }
  for (const auto& [path, file] : files) {
    if (index++ < skip || index > skip + files_a_page) continue;
    Json entry = {{"type", "file"},
                  {"path", path},
                  {"size", file.content.size()},
                  {"oid", git_hash(file.content)}};
    if (file.large) entry["lfs"] = {{"oid", tag(path)}, {"size", file.content.size()}};
    list.push_back(entry);
  }
  LoopbackReply::Headers headers = {{"Content-Type", "application/json"}};
  if (index > skip + files_a_page) {
    headers.emplace_back("Link", "<" + hub_.url("/api/models/org/name/tree/" + commit()) +
                                     "?recursive=true&cursor=" +
                                     std::to_string(skip + files_a_page) + ">; rel=\"next\"");
  }
  reply.answer(200, list.dump(), headers);
}

void FakeHub::serve(const std::string& content, const LoopbackRequest& request,
                    LoopbackReply& reply, size_t most) const {
  size_t begin = 0, end = content.size();
  const std::string range = request.header("range");
  const bool partial = has_ranges && range.starts_with("bytes=");
  if (partial) {
    const size_t dash = range.find('-');
    begin = std::stoull(range.substr(6, dash - 6));
    if (dash + 1 < range.size())
      end = std::min(end, size_t(std::stoull(range.substr(dash + 1))) + 1);
  }
  if (partial && begin >= content.size()) {
    reply.answer(416, "");
    return;
  }
  const std::string length = std::to_string(end - begin);
  std::string head = partial ? "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " +
                                   std::to_string(begin) + "-" + std::to_string(end - 1) + "/" +
                                   std::to_string(content.size()) + "\r\n"
                             : "HTTP/1.1 200 OK\r\n";
  reply.raw(head + "Content-Length: " + length + "\r\n\r\n");
  reply.raw(std::string_view(content).substr(begin, std::min(most, end - begin)));
  if (most < end - begin) reply.close();
}

std::string noise(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, 0);
  for (char& byte : bytes) byte = char(random());
  return bytes;
}

}  // namespace maie::store
