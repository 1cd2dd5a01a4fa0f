// Points are shares of the picture's width and height, from the top left.
"use strict";

export function rounded(share) {
  return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000;
}

export function middle(points) {
  const sum = points.reduce(([x, y], point) => [x + point[0], y + point[1]], [0, 0]);
  return sum.map((total) => total / points.length);
}

// The projection that maps four points to four others, as a function of a point; null if there is none.
export function projection(from, to) {
  const rows = [];
  from.forEach(([x, y], index) => {
    const [u, v] = to[index];
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  });
  const found = solved(rows);
  if (!found) return null;
  const [a, b, c, d, e, f, g, h] = found;
  return ([x, y]) => {
    const scale = g * x + h * y + 1;
    return [(a * x + b * y + c) / scale, (d * x + e * y + f) / scale];
  };
}

// Solves linear equations, given as rows with the right side last, by elimination with the largest pivot.
function solved(rows) {
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    let best = column;
    for (let row = column; row < size; row += 1) {
      if (Math.abs(rows[row][column]) > Math.abs(rows[best][column])) best = row;
    }
    if (Math.abs(rows[best][column]) < 1e-9) return null;
    [rows[column], rows[best]] = [rows[best], rows[column]];
    for (let row = 0; row < size; row += 1) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      rows[row] = rows[row].map((value, index) => value - factor * rows[column][index]);
    }
  }
  return rows.map((row, index) => row[size] / row[index]);
}
