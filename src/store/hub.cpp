#include "store/hub.h"

#include <ctime>

#include "base/log.h"
#include "net/retry.h"
#include "store/model_id.h"

namespace maie::store {
namespace {

constexpr int kMostPages = 1000;
constexpr uint64_t kLargestPage = 64 << 20;

bool is_within_machine(const std::string& origin) {
  for (const char* host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!origin.starts_with(host)) continue;
    const std::string_view rest = std::string_view(origin).substr(std::string_view(host).size());
    if (rest.empty() || rest.front() == ':') return true;
  }
  return false;
}

// What the server said for humans, short and on one line.
std::string words_of(const net::HttpResponse& response) {
  std::string words(response.header("x-error-message").substr(0, 200));
  for (char& c : words) {
    if (uint8_t(c) < 0x20 || c == 0x7f) c = ' ';
  }
  const std::string_view id = response.header("x-request-id");
  std::string out = words.empty() ? "" : ": " + words;
  if (!id.empty() && id.size() <= 128) out += " [request " + std::string(id) + "]";
  return out;
}

}  // namespace

Hub::Hub(net::HttpClient& client, const Settings& settings, RetryPolicy retry)
    : client_(client),
      endpoint_(settings.endpoint),
      stall_limit_s_(settings.metadata_stall_limit_s),
      retry_(std::move(retry)) {
  const std::string origin = origin_of(endpoint_);
  if (settings.token.empty()) return;
  if (origin.starts_with("https://") || is_within_machine(origin)) {
    authorization_ = "Bearer " + settings.token;
  } else {
    log_warning("the token is not sent to " + origin + ", which everybody on the way could read");
  }
}

net::HttpRequest Hub::request(std::string url) const {
  net::HttpRequest request;
  request.url = std::move(url);
  request.headers.emplace_back("Accept-Encoding", "identity");
  if (!authorization_.empty()) request.headers.emplace_back("Authorization", authorization_);
  return request;
}

net::HttpRequest Hub::file_request(const std::string& repo, const std::string& commit,
                                   const std::string& path) const {
  return request(endpoint_ + "/" + repo + "/resolve/" + commit + "/" + percent_encoded(path, true));
}

std::optional<Status> Hub::refusal(const net::HttpResponse& response,
                                   const std::string& what) const {
  const int status = response.status;
  if (net::may_pass(status)) return std::nullopt;
  const std::string_view code = response.header("x-error-code");
  const std::string said = words_of(response);
  if (code == "GatedRepo") {
    return permission_denied(
        what + ": its owner gives access only on request; ask for it on " + endpoint_ +
        (has_token() ? ", with the account of your token" : ", then set HF_TOKEN to a token") +
        said);
  }
  if (code == "RevisionNotFound") return not_found(what + ": there is no such revision" + said);
  if (code == "EntryNotFound") return not_found(what + ": there is no such file" + said);
  if (status == 401 || status == 403) {
    const std::string advice =
        has_token() ? "or your token has no right to it"
                    : "or it is not public; set HF_TOKEN to a token that may read it";
    const std::string text =
        what + ": there is no such model on " + endpoint_ + ", " + advice + said;
    return code == "RepoNotFound" ? not_found(text) : permission_denied(text);
  }
  if (status == 404 || status == 410)
    return not_found(what + ": not found on " + endpoint_ + "; check the spelling" + said);
  return unavailable(what + ": the server answered with status " + std::to_string(status) + said);
}

Result<net::HttpResponse> Hub::get(const std::string& url, uint64_t limit_bytes,
                                   const std::string& what, const CancelToken* cancel) {
  for (int failures = 1;; ++failures) {
    net::HttpRequest wanted = request(url);
    wanted.max_body_bytes = limit_bytes;
    wanted.stall_limit_s = stall_limit_s_;
    Result<net::HttpResponse> response = client_.send(wanted, cancel);
    std::string why;
    std::optional<double> asked_s;
    if (response.has_value()) {
      if (response->status == 200) return response;
      if (const std::optional<Status> final = refusal(*response, what)) return *final;
      asked_s = net::asked_pause_s(*response, std::time(nullptr));
      why = what + ": the server answered with status " + std::to_string(response->status);
    } else {
      if (response.error().code() != Code::kUnavailable) return response.error().within(what);
      why = response.error().within(what).message();
    }
    MAIE_TRY(wait_for_next_try(retry_, failures, asked_s, why, cancel));
  }
}

Result<HubListing> Hub::list(const std::string& repo, const std::string& revision,
                             const CancelToken* cancel) {
  HubListing listing;
  const std::string api = endpoint_ + "/api/models/" + repo;
  const std::string what = revision == "main" ? repo : repo + "@" + revision;
  {
    MAIE_ASSIGN(
        const net::HttpResponse answer,
        get(api + "/revision/" + percent_encoded(revision, false), kLargestPage, what, cancel));
    Result<std::string> commit = parse_revision(answer.body);
    if (!commit.has_value()) return commit.error().within(what);
    listing.commit = *commit;
  }
  // By the commit from here on, so that one download never mixes two revisions.
  std::string url = api + "/tree/" + listing.commit + "?recursive=true";
  for (int page = 0; !url.empty(); ++page) {
    if (page == kMostPages) return corrupt(what + ": the hub's list of files does not end");
    MAIE_ASSIGN(const net::HttpResponse answer, get(url, kLargestPage, what, cancel));
    const Status parsed = parse_tree_page(answer.body, listing.files);
    if (!parsed.ok()) return parsed.within(what);
    url = next_page(answer.header("link"));
    if (url.starts_with("/")) url.insert(0, origin_of(endpoint_));
    // The token goes along: never to where a header of the answer points outside.
    if (!url.empty() && origin_of(url) != origin_of(endpoint_))
      return corrupt(what + ": the hub's list goes on at another host, which is not followed");
  }
  const Status finished = finish_listing(listing);
  if (!finished.ok()) return finished.within(what);
  return listing;
}

Result<std::string> Hub::read(const std::string& repo, const std::string& commit,
                              const std::string& path, uint64_t limit_bytes,
                              const CancelToken* cancel) {
  MAIE_ASSIGN(net::HttpResponse answer,
              get(file_request(repo, commit, path).url, limit_bytes, repo + ", " + path, cancel));
  return std::move(answer.body);
}

}  // namespace maie::store
