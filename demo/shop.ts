/** What the two halves of the shop agree on: queues, task types and what the payloads hold. */

/** The queues of the shop and their priorities: an order is looked for six times as often as a newsletter. */
export const queues: Readonly<Record<"shop-orders" | "shop-reminders" | "shop-pictures" | "shop-newsletters", number>> = {
  "shop-orders": 6,
  "shop-reminders": 3,
  "shop-pictures": 2,
  "shop-newsletters": 1,
};

export type ShopQueue = keyof typeof queues;

export const thumbnailType = "picture:thumbnail";
export const mailType = "mail:send";

/** Payload of `picture:thumbnail`. */
export interface ThumbnailPayload {
  /** Name of a file in `demo/pictures`. */
  readonly picture: string;
  readonly widthPx: number;
}

/** Payload of `mail:send`. */
export interface MailPayload {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** What `picture:thumbnail` leaves as its result. */
export interface ThumbnailResult {
  readonly file: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bytes: number;
}

/** Where a thumbnail goes, below `demo/out`. */
export function thumbnailFile({ picture, widthPx }: ThumbnailPayload): string {
  return `thumbnails/${picture.replace(/\.\w+$/, "")}-${widthPx}.avif`;
}

/** Where a mail goes, below `demo/out`. */
export function mailFile(taskId: string): string {
  return `mail/${taskId}.eml`;
}
