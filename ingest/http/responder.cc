#include "ingest/http/loop.h"
#include "ingest/http/message.h"
#include "storage/base/check.h"

namespace sluice::http {

Responder::Responder(std::shared_ptr<Loop> loop, std::uint64_t connection, std::uint64_t request)
    : loop_(std::move(loop)), connection_(connection), request_(request) {}

Responder::~Responder() {
  if (loop_) (*this)(loop_->service().error_page(500, "The request was not answered."));
}

void Responder::operator()(Response&& response) {
  CHECK(loop_, "a request is answered once");
  // First of all: the loop may end with this, its last user.
  const std::shared_ptr<Loop> loop = std::move(loop_);
  loop->answer(connection_, request_, std::move(response));
}

}  // namespace sluice::http
