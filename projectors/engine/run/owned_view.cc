#include "projectors/engine/run/owned_view.h"

#include <utility>

#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice {

OwnedView::OwnedView(Of of, ProjectionSink& sink) : of_(std::move(of)), sink_(sink) {}

void OwnedView::claim() { view_ = sink_.claim(of_.partition, of_.owner); }

bool OwnedView::is_at(const ViewPosition& now) const {
  return now.position == view_.position && now.digest == view_.digest &&
         now.published == view_.published && now.loaded == view_.loaded &&
         now.folded == view_.folded;
}

void OwnedView::note_log(const std::function<std::optional<LogIdentity>()>& identity) {
  if (view_.log || asked_for_log_) return;
  view_.log = identity();
  asked_for_log_ = true;
}

void OwnedView::told(Offset folded, Digest digest) {
  view_.folded = folded;
  view_.digest = digest;
}

void OwnedView::moved(const Move& move) {
  in_doubt_.reset();
  view_.position = move.to;
  view_.digest = move.digest;
  view_.published = move.published;
  if (move.loads) view_.loaded = true;
}

bool OwnedView::went_through() {
  CHECK(in_doubt_.has_value(), "there is a flush to settle");
  const std::optional<ViewPosition> now = sink_.position(of_.partition);
  if (!now || now->owner != of_.owner) throw Fenced(of_.name + " has another owner");
  if (in_doubt_->loads && !now->loaded) return false;
  if (now->position == in_doubt_->to && now->digest == in_doubt_->digest &&
      (in_doubt_->loads || now->published == in_doubt_->published)) {
    return true;
  }
  if (now->position != view_.position || now->digest != view_.digest ||
      now->published != view_.published) {
    throw Fenced(of_.name + " was moved by another owner");
  }
  return false;
}

}  // namespace sluice
