/** What the two halves of the shop agree on: queues, task types and what the payloads hold. */

/** The queues of the shop and their priorities: an order is looked for six times as often as a newsletter. */
export const queues: Readonly<Record<"shop-orders" | "shop-reminders" | "shop-pictures" | "shop-newsletters" | "shop-desk", number>> = {
  "shop-orders": 6,
  "shop-reminders": 3,
  "shop-pictures": 2,
  "shop-newsletters": 1,
  "shop-desk": 1,
};

export type ShopQueue = keyof typeof queues;

export const thumbnailType = "picture:thumbnail";
export const mailType = "mail:send";
/** Has no handler: reviews wait in the group of their picture until the cron Worker makes one mail of them. */
export const reviewType = "review:new";
export const reportType = "report:send";

/** The cron entry that asks for a report, every minute. */
export const reportEntryId = "shop-report";

/** Who reads reviews and reports. */
export const deskAddress = "desk@shop.example";

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

/** Payload of `review:new`. */
export interface ReviewPayload {
  readonly picture: string;
  readonly stars: number;
  readonly words: string;
}

/** What `picture:thumbnail` leaves as its result. */
export interface ThumbnailResult {
  readonly file: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bytes: number;
}

/** The subject of the mail that some reviews of a picture become. */
export function digestSubject(picture: string): string {
  return `New reviews of ${picture}`;
}

/** The line of that mail that is one review. */
export function reviewLine({ stars, words }: ReviewPayload): string {
  return `${"★".repeat(stars)}${"☆".repeat(5 - stars)} ${words}`;
}

/** Where a thumbnail goes, below `demo/out`. */
export function thumbnailFile({ picture, widthPx }: ThumbnailPayload): string {
  return `thumbnails/${picture.replace(/\.\w+$/, "")}-${widthPx}.avif`;
}

/** Where a mail goes, below `demo/out`. */
export function mailFile(taskId: string): string {
  return `mail/${taskId}.eml`;
}
