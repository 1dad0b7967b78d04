"""Points, segments and polygons in the plane: lengths, areas, and what contains what."""

import math
from dataclasses import dataclass

EPSILON = 1e-9


@dataclass(frozen=True)
class Point:
    """A point of the plane."""

    x: float
    y: float

    def __add__(self, other: "Point") -> "Point":
        return Point(self.x + other.x, self.y + other.y)

    def __sub__(self, other: "Point") -> "Point":
        return Point(self.x - other.x, self.y - other.y)

    def __mul__(self, factor: float) -> "Point":
        return Point(self.x * factor, self.y * factor)

    def dot(self, other: "Point") -> float:
        """Return the scalar product."""
        return self.x * other.x + self.y * other.y

    def cross(self, other: "Point") -> float:
        """Return the z component of the vector product."""
        return self.x * other.y - self.y * other.x

    def length(self) -> float:
        """Return the distance from the origin."""
        return math.hypot(self.x, self.y)

    def distance_to(self, other: "Point") -> float:
        """Return the distance from another point."""
        return (self - other).length()

    def rotated(self, angle: float) -> "Point":
        """Return the point turned around the origin."""
        cosine, sine = math.cos(angle), math.sin(angle)
        return Point(self.x * cosine - self.y * sine, self.x * sine + self.y * cosine)


@dataclass(frozen=True)
class Segment:
    """A straight line between two points."""

    start: Point
    end: Point

    def length(self) -> float:
        """Return the distance between the ends."""
        return self.start.distance_to(self.end)

    def midpoint(self) -> Point:
        """Return the point halfway between the ends."""
        return (self.start + self.end) * 0.5

    def point_at(self, share: float) -> Point:
        """Return the point after a share of the way from start to end."""
        return self.start + (self.end - self.start) * share

    def distance_to(self, point: Point) -> float:
        """Return the distance from a point to the nearest point of the segment."""
        direction = self.end - self.start
        squared = direction.dot(direction)
        if squared < EPSILON:
            return self.start.distance_to(point)
        share = (point - self.start).dot(direction) / squared
        share = max(0.0, min(1.0, share))
        return self.point_at(share).distance_to(point)

    def intersection(self, other: "Segment") -> Point | None:
        """Return the point that two segments share; None if there is none, or many."""
        first = self.end - self.start
        second = other.end - other.start
        denominator = first.cross(second)
        if abs(denominator) < EPSILON:
            return None
        between = other.start - self.start
        share = between.cross(second) / denominator
        other_share = between.cross(first) / denominator
        if 0.0 <= share <= 1.0 and 0.0 <= other_share <= 1.0:
            return self.point_at(share)
        return None


@dataclass(frozen=True)
class Polygon:
    """A closed line through some points."""

    points: tuple[Point, ...]

    def edges(self) -> list[Segment]:
        """Return the sides, the last one back to the first point."""
        following = self.points[1:] + self.points[:1]
        return [Segment(start, end) for start, end in zip(self.points, following)]

    def perimeter(self) -> float:
        """Return the length of all sides."""
        return sum(edge.length() for edge in self.edges())

    def signed_area(self) -> float:
        """Return the area; negative if the points run clockwise."""
        return sum(edge.start.cross(edge.end) for edge in self.edges()) / 2

    def area(self) -> float:
        """Return the area."""
        return abs(self.signed_area())

    def centroid(self) -> Point:
        """Return the centre of mass."""
        area = self.signed_area()
        if abs(area) < EPSILON:
            raise ValueError("a polygon without an area has no centroid")
        x = y = 0.0
        for edge in self.edges():
            cross = edge.start.cross(edge.end)
            x += (edge.start.x + edge.end.x) * cross
            y += (edge.start.y + edge.end.y) * cross
        return Point(x / (6 * area), y / (6 * area))

    def contains(self, point: Point) -> bool:
        """Return whether a point lies inside: a ray from it crosses an odd number of sides."""
        inside = False
        for edge in self.edges():
            if (edge.start.y > point.y) != (edge.end.y > point.y):
                share = (point.y - edge.start.y) / (edge.end.y - edge.start.y)
                if point.x < edge.start.x + share * (edge.end.x - edge.start.x):
                    inside = not inside
        return inside
