#include "tools/sluice/opinion_map/math_map.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tools/sluice/opinion_map/svg.h"

namespace sluice {
namespace {

using math::Group;
using math::Participant;
using svg::escaped;
using svg::number;
using svg::Point;

// Pixels.
constexpr double kMapSide = 860;
constexpr double kMargin = 60;
constexpr double kTop = 90;  // of the map, below the title
constexpr double kPanelX = kMapSide + 40;
constexpr double kPanelWidth = 540;
constexpr double kWidth = kPanelX + kPanelWidth;
constexpr double kLine = 19;
constexpr std::size_t kLineCharacters = 68;
constexpr std::size_t kOpinionLines = 3;

// Told apart also by who sees few colours (Okabe and Ito, 2008, "Color Universal Design").
constexpr std::array<std::string_view, 5> kColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                   "#B58900"};
constexpr std::string_view kGrey = "#9A9A9A";

std::string_view colour_of(Group group) { return kColours[math::index(group) % kColours.size()]; }

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string text_at(Point at, std::string_view attributes, std::string_view text) {
  return "<text" + attribute("x", number(at.x)) + attribute("y", number(at.y)) +
         std::string(attributes) + ">" + escaped(text) + "</text>\n";
}

// From the plane of the components to pixels: the same scale both ways, everybody inside.
class Frame {
 public:
  explicit Frame(const math::Points<Participant>& points) {
    if (points.size() == 0) return;
    const auto [left, right] = std::minmax_element(points.x.begin(), points.x.end());
    const auto [low, high] = std::minmax_element(points.y.begin(), points.y.end());
    middle_ = {(*left + *right) / 2, (*low + *high) / 2};
    const double span = std::max(*right - *left, *high - *low);
    if (span > 0) scale_ = (kMapSide - 2 * kMargin) / span;
  }
  [[nodiscard]] Point place(double x, double y) const {
    return {kMapSide / 2 + (x - middle_.x) * scale_,
            kTop + kMapSide / 2 - (y - middle_.y) * scale_};
  }

 private:
  Point middle_;
  double scale_ = 1;
};

class Map {
 public:
  explicit Map(const DescribedSnapshot& described)
      : described_(described),
        snapshot_(described.snapshot),
        sizes_(group_sizes(snapshot_)),
        frame_(snapshot_.participants),
        group_of_(snapshot_.participants.size()) {
    const math::Grouping* groups = snapshot_.groupings.chosen();
    if (groups == nullptr) return;
    for (const math::BaseCluster base : groups->group_of.ids()) {
      for (const Participant p : snapshot_.base.members[base]) {
        group_of_[p] = groups->group_of[base];
      }
    }
  }

  [[nodiscard]] std::string draw() {
    std::string map = hulls() + points() + names();
    const std::string panel = opinions();
    const double height = std::max(kTop + kMapSide, panel_y_) + 20;
    return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", number(kWidth)) +
           attribute("height", number(height)) +
           attribute("viewBox", "0 0 " + number(kWidth) + " " + number(height)) +
           attribute("font-family", "Helvetica, Arial, sans-serif") + " role=\"img\">\n" +
           "<title>Opinion map of " + escaped(described_.title) + "</title>\n" +
           "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + heading() + map + panel +
           "</svg>\n";
  }

 private:
  [[nodiscard]] Point place(Participant p) const {
    return frame_.place(snapshot_.participants.x[p], snapshot_.participants.y[p]);
  }

  [[nodiscard]] std::string heading() const {
    const std::string groups =
        sizes_.empty() ? "no groups yet" : std::to_string(sizes_.size()) + " groups";
    const std::string numbers = std::to_string(snapshot_.vote_counts.size()) + " participants, " +
                                std::to_string(snapshot_.votes) + " votes on " +
                                std::to_string(snapshot_.center.size()) + " opinions, " + groups;
    return text_at({20, 36}, " font-size=\"24\" font-weight=\"bold\"",
                   svg::wrapped(described_.title, 100, 1).front()) +
           text_at({20, 62}, " font-size=\"15\" fill=\"#444\"", numbers) +
           text_at(
               {20, 84}, " font-size=\"13\" fill=\"#666\"",
               "Each point is a participant. Who votes alike stands close together; grey points "
               "voted too little to be in a group.");
  }

  [[nodiscard]] std::string hulls() const {
    std::vector<std::vector<Point>> members(sizes_.size());
    for (const Participant p : snapshot_.in_conv) {
      if (const auto group = group_of_[p]) members[math::index(*group)].push_back(place(p));
    }
    std::string out;
    for (const Group group : math::each<Group>(sizes_.size())) {
      std::string path;
      for (const Point& corner : svg::convex_hull(std::move(members[math::index(group)]))) {
        path += (path.empty() ? "M" : "L") + number(corner.x) + " " + number(corner.y);
      }
      out += "<path class=\"hull\"" + attribute("d", path + "Z") +
             attribute("fill", colour_of(group)) + attribute("stroke", colour_of(group)) +
             " stroke-width=\"28\" stroke-linejoin=\"round\" stroke-linecap=\"round\" "
             "opacity=\"0.13\"/>\n";
    }
    return out;
  }

  [[nodiscard]] std::string points() const {
    std::string clustered;
    std::string others;
    for (const Participant p : math::each<Participant>(snapshot_.participants.size())) {
      const std::optional<Group> group = group_of_[p];
      const Point at = place(p);
      const std::string whose = described_.participants[snapshot_.participant_numbers[p]];
      std::string& out = group ? clustered : others;
      out += "<circle" + attribute("cx", number(at.x)) + attribute("cy", number(at.y)) +
             attribute("r", group ? "4" : "2.5") +
             attribute("fill", group ? colour_of(*group) : kGrey) + "><title>participant " +
             escaped(whose) + (group ? ", group " + group_letter(*group) : std::string()) +
             "</title></circle>\n";
    }
    return "<g fill-opacity=\"0.45\">\n" + others + "</g>\n<g fill-opacity=\"0.65\">\n" +
           clustered + "</g>\n";
  }

  // At the groups' centers, legible over points.
  [[nodiscard]] std::string names() const {
    std::string out;
    for (const Group group : math::each<Group>(sizes_.size())) {
      const auto& center = snapshot_.groupings.chosen()->center;
      out += text_at(frame_.place(center.x[group], center.y[group]),
                     " font-size=\"30\" font-weight=\"bold\" text-anchor=\"middle\" "
                     "dominant-baseline=\"central\" stroke=\"white\" stroke-width=\"6\" "
                     "paint-order=\"stroke\"" +
                         attribute("fill", colour_of(group)),
                     group_letter(group));
    }
    return out;
  }

  // What each group stands for, below each other.
  [[nodiscard]] std::string opinions() {
    std::string out;
    for (const Group group : math::each<Group>(sizes_.size())) {
      out += text_at({kPanelX, panel_y_},
                     " font-size=\"19\" font-weight=\"bold\"" + attribute("fill", colour_of(group)),
                     "Group " + group_letter(group) + ": " +
                         std::to_string(sizes_[math::index(group)]) + " participants");
      panel_y_ += 1.3 * kLine;
      for (const math::Representative& each : snapshot_.representatives[group]) {
        out += opinion(share_text(each), opinion_text(described_, each.opinion));
      }
      panel_y_ += kLine;
    }
    if (!snapshot_.consensus.agree.empty()) {
      out += text_at({kPanelX, panel_y_}, " font-size=\"19\" font-weight=\"bold\"",
                     "Everybody agrees most on");
      panel_y_ += 1.3 * kLine;
      for (const math::ConsensusOpinion& each : snapshot_.consensus.agree) {
        out += opinion({}, opinion_text(described_, each.opinion));
      }
    }
    return out;
  }

  [[nodiscard]] std::string opinion(const std::string& share, const std::string& text) {
    std::string out = "<g font-size=\"14\"><title>" + escaped(text) + "</title>\n";
    if (!share.empty()) {
      out += text_at({kPanelX, panel_y_}, " font-weight=\"bold\"", share);
      panel_y_ += kLine;
    }
    for (const std::string& line : svg::wrapped(text, kLineCharacters, kOpinionLines)) {
      out += text_at({kPanelX, panel_y_}, " fill=\"#222\"", line);
      panel_y_ += kLine;
    }
    panel_y_ += kLine / 3;
    return out + "</g>\n";
  }

  const DescribedSnapshot& described_;
  const math::Snapshot& snapshot_;
  const std::vector<std::size_t> sizes_;
  const Frame frame_;
  math::Per<Participant, std::optional<Group>> group_of_;
  double panel_y_ = kTop + 20;
};

}  // namespace

std::string opinion_map(const DescribedSnapshot& described) { return Map(described).draw(); }

}  // namespace sluice
