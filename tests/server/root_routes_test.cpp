#include "tests/server/openai_fixture.h"

namespace maie::server {
namespace {

const std::string kKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

class RootRoutes : public OpenAiRoutes {
 protected:
  RootRoutes() {
    begin(nullptr);
    service_->room_on_disk = [this] { return room_; };
    service_->shows_key = [](const http::Headers& headers) {
      return headers.get("x-api-key") == kKey;
    };
    add_root_routes(*router_, *service_);
  }
  // What a client at `peer` is answered.
  Json probe(const std::string& path, const std::string& peer, const std::string& key = "") {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.peer = peer;
    if (!key.empty()) request.headers.set("X-API-Key", key);
    const Client client = send(std::move(request));
    status_ = client->status();
    retry_after_ = client->head().headers.get("retry-after");
    return json_of(client);
  }

  Status room_;
  int status_ = 0;
  std::string retry_after_;
};

TEST_F(RootRoutes, StrangersLearnTheStatusAlone) {
  for (const char* path : {"/livez", "/healthz", "/readyz", "/startupz", "/v1/health/ready"}) {
    EXPECT_EQ(probe(path, "192.0.2.7").size(), 1u) << path;
    EXPECT_EQ(probe(path, "192.0.2.7", kKey + "x").size(), 1u) << path;
    EXPECT_EQ(status_, 200);
    for (const char* near : {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "unix"}) {
      EXPECT_EQ(probe(path, near)["version"], "test") << path << " " << near;
    }
    EXPECT_EQ(probe(path, "192.0.2.7", kKey)["version"], "test") << path;
  }
  EXPECT_FALSE(probe("/readyz", "192.0.2.7").contains("checks"));
  EXPECT_TRUE(probe("/readyz", "192.0.2.7", kKey).contains("checks"));
}

TEST_F(RootRoutes, AFullDiskTakesNoTraffic) {
  EXPECT_EQ(probe("/readyz", "127.0.0.1")["checks"]["disk"], "ok");
  EXPECT_EQ(status_, 200);
  room_ = resource_exhausted("the disk is full");
  const Json full = probe("/readyz", "127.0.0.1");
  EXPECT_EQ(status_, 503);
  EXPECT_EQ(retry_after_, "5");
  EXPECT_EQ(full["status"], "unavailable");
  EXPECT_EQ(full["checks"]["disk"], "full");
  EXPECT_EQ(full["checks"]["queue"], "ok");
  probe("/livez", "127.0.0.1");
  EXPECT_EQ(status_, 200);
}

TEST_F(RootRoutes, DrainingTakesNoTraffic) {
  draining_ = true;
  EXPECT_EQ(probe("/readyz", "127.0.0.1")["checks"]["draining"], "yes");
  EXPECT_EQ(status_, 503);
  probe("/livez", "127.0.0.1");
  EXPECT_EQ(status_, 200);
}

}  // namespace
}  // namespace maie::server
